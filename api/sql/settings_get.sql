-- The tenant's settings. Result: JSON, version.
SELECT resource, version FROM settings_resource WHERE tenant_id = current_tenant();

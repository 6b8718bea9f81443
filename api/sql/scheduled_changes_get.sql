-- The changes that wait, or waited, for a boundary of a subscription: the one that does, then newest first. $1 subscription. Result: a JSON array; no
-- row when there is no such subscription.
SELECT COALESCE((SELECT json_agg(json_build_object(
  'id', c.id, 'subscriptionId', c.subscription_id, 'status', c.status, 'effectiveAt', iso(takes_effect_at(c, s)),
  'planId', c.plan_id, 'planVersion', c.plan_version, 'quantity', trim_scale(c.quantity), 'items', c.items, 'versionMoves', c.version_moves,
  'requestedBy', c.requested_by, 'createdAt', iso(c.created_at), 'resolvedAt', iso(c.resolved_at), 'version', c.version)
  ORDER BY c.status = 'pending' DESC, c.created_at DESC, c.id DESC)
  FROM scheduled_changes c WHERE c.tenant_id = s.tenant_id AND c.subscription_id = s.id), '[]')
FROM subscriptions s WHERE s.tenant_id = current_tenant() AND s.id = $1::uuid;

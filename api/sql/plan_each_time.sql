-- Lists are planned with their values: unused filters and sort orders fold away, and an index can be used.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- A customer's currency, and the day that it is there; held, so that it is not deleted meanwhile. $1 tenant, $2 customer, $3 now.
SELECT currency, ($3::timestamptz AT TIME ZONE time_zone)::date FROM customers
WHERE tenant_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL FOR KEY SHARE;

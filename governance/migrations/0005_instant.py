"""The time that an RFC 3339 text states, as conditions read it: what replay compares instants with."""

from django.db import migrations

# The twin of `governance.policies.operators.instant`; a property test holds the two together. It never raises: whatever
# states no time (leap seconds, more than six decimals, 30 February) is NULL.
INSTANT = r"""
CREATE FUNCTION countersign_instant(value text) RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    p text[] := regexp_match(value, '^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})'
        '(?:\.([0-9]{1,6}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$');
    away interval;
    found timestamptz;
BEGIN
    IF p IS NULL OR p[1] = '0000' OR p[2] NOT BETWEEN '01' AND '12' OR p[3] = '00' OR p[4] > '23' OR p[5] > '59'
        OR p[6] > '59' OR coalesce(p[9], '00') > '23' OR coalesce(p[10], '00') > '59' THEN
        RETURN NULL;
    END IF;
    IF p[3]::int > extract(day FROM make_date(p[1]::int, p[2]::int, 1) + interval '1 month' - interval '1 day') THEN
        RETURN NULL;
    END IF;
    away := make_interval(hours => coalesce(p[9], '0')::int, mins => coalesce(p[10], '0')::int);
    found := make_timestamptz(p[1]::int, p[2]::int, p[3]::int, p[4]::int, p[5]::int, p[6]::int, 'UTC')
        + rpad(coalesce(p[7], '0'), 6, '0')::int * interval '1 microsecond'
        + CASE WHEN p[8] = '-' THEN away ELSE -away END;
    IF found < '0001-01-01T00:00:00Z'::timestamptz OR found >= '10000-01-01T00:00:00Z'::timestamptz THEN
        RETURN NULL;
    END IF;
    RETURN found;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_entries")]
    operations = [
        migrations.RunSQL(INSTANT, migrations.RunSQL.noop),
    ]

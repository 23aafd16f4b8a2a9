-- A foreign key looks a row up for every row that is written: two thirds of the time that the scores of millions of customers take to save.
-- The tables that have a row a customer keep the same promise once a statement.

-- Arguments: the rule's name, the columns, the table they point to, and its key.
create function rows_point_to_a_row() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    missing text;
begin
    -- Held like a foreign key holds it: nobody can remove it until the writer has ended.
    execute format(
        'with wanted as materialized (select distinct %1$s from changed),
              held as materialized (select %2$s from %3$I where (%2$s) in (select * from wanted) for key share)
         select row_to_json(missing) from (select * from wanted except select * from held) missing limit 1', tg_argv[1], tg_argv[3], tg_argv[2]) into missing;
    if missing is not null then
        raise exception 'insert or update on table "%" violates foreign key "%"', tg_table_name, tg_argv[0]
            using errcode = 'foreign_key_violation', constraint = tg_argv[0], table = tg_table_name, schema = tg_table_schema,
                  detail = format('%s is not present in table "%s".', missing, tg_argv[2]);
    end if;
    return null;
end $$;
revoke execute on function rows_point_to_a_row() from public;

-- Arguments: the rule's name, the table that points here, its columns, and the key here.
create function row_is_pointed_to() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    found boolean;
begin
    execute format('select exists (select from %I where (%s) = (select %s from (select ($1).*) gone))', tg_argv[1], tg_argv[2], tg_argv[3]) into found using old;
    if found then
        raise exception 'update or delete on table "%" violates foreign key "%" on table "%"', tg_table_name, tg_argv[0], tg_argv[1]
            using errcode = 'foreign_key_violation', constraint = tg_argv[0], table = tg_argv[1], schema = tg_table_schema,
                  detail = format('%s is still pointed to by table "%s".', row_to_json(old), tg_argv[1]);
    end if;
    return null;
end $$;
revoke execute on function row_is_pointed_to() from public;

do $$
declare
    reference record;
    changed   text;
begin
    for reference in
        select * from (values
            ('score', 'scoring_id', 'scoring', 'id'),
            ('assignment', 'campaign_id', 'campaign', 'id'),
            ('wave_plan', 'campaign_id, wave_date', 'wave', 'campaign_id, wave_date'),
            ('delivery', 'campaign_id', 'campaign', 'id'),
            ('funnel_label', 'campaign_id', 'campaign', 'id'),
            ('customer_outcome', 'audience_id', 'audience', 'id')) r(rows_of, columns, points_to, key)
        cross join lateral (select conname as rule from pg_constraint
                             where conrelid = r.rows_of::regclass and confrelid = r.points_to::regclass and contype = 'f') c
    loop
        execute format('alter table %I drop constraint %I', reference.rows_of, reference.rule);
        execute format('create trigger %I after insert on %I referencing new table as changed for each statement execute function rows_point_to_a_row(%L, %L, %L, %L)',
            reference.rule, reference.rows_of, reference.rule, reference.columns, reference.points_to, reference.key);
        execute format('create trigger %I after update on %I referencing new table as changed for each statement execute function rows_point_to_a_row(%L, %L, %L, %L)',
            reference.rule || '_changed', reference.rows_of, reference.rule, reference.columns, reference.points_to, reference.key);
        execute format('create trigger %I after delete on %I for each row execute function row_is_pointed_to(%L, %L, %L, %L)',
            reference.rule || '_gone', reference.points_to, reference.rule, reference.rows_of, reference.columns, reference.key);
        changed := (select string_agg(format('old.%1$s is distinct from new.%1$s', k), ' or ') from unnest(string_to_array(reference.key, ', ')) k);
        execute format('create trigger %I after update on %I for each row when (%s) execute function row_is_pointed_to(%L, %L, %L, %L)',
            reference.rule || '_renamed', reference.points_to, changed, reference.rule, reference.rows_of, reference.columns, reference.key);
    end loop;
end $$;

-- The demo can be loaded anew. Only where nothing real is: one real audience, and nothing is removed.

create function reset_demo() returns void language plpgsql security definer set search_path = public, pg_temp as $$
declare
    relation record;
    emptied  text;
    -- Whoever may come in, what was set up, and the record of what was done stay.
    kept     text[] := array['migration', 'app_user', 'app_role', 'app_user_role', 'app_user_recovery_code', 'data_protection_key', 'identifier_key', 'api_key', 'webhook',
                             'audit_event', 'worker', 'scheduler_settings', 'backup', 'schedule'];
begin
    lock table audience, job_run in access exclusive mode;
    if exists (select from audience where not simulated) then
        raise exception 'This installation holds real customers (audience "%"): the demo is reset only where everything is simulated.',
            (select name from audience where not simulated order by id limit 1) using errcode = 'PM001';
    end if;
    if exists (select from job_run where state = 'running') then
        raise exception '% runs are under way: wait for them or cancel them, then reset the demo.',
            (select count(*) from job_run where state = 'running') using errcode = 'PM001';
    end if;
    -- A schedule may name a campaign or a line, so its table goes with theirs, and what names neither comes back.
    create temp table kept_schedule on commit drop as select * from schedule where model_line_id is null and campaign_id is null;
    select string_agg(format('%I.%I', n.nspname, c.relname), ', ') into emptied
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not like 'qrtz\_%' and (c.relname = 'schedule' or c.relname <> all (kept));
    execute 'truncate ' || emptied;
    insert into schedule overriding system value select * from kept_schedule;
    for relation in
        select c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'audience' and c.relkind in ('v', 'r') order by c.relkind = 'r' loop
        execute format('drop %s audience.%I', case relation.relkind when 'v' then 'view' else 'table' end, relation.relname);
    end loop;
end $$;
comment on function reset_demo() is 'empties an installation in which everything is simulated; PM001: what a person has to do first';

-- Audiences, the files they came from, and the typed tables that create_audience makes for each of them.

create table audience (
    id          bigint generated always as identity primary key,
    name        text not null unique check (length(name) between 1 and 100),
    key_column  text not null,
    columns     jsonb not null,
    funnel      text[] not null check (cardinality(funnel) between 1 and 10),
    simulated   boolean not null default false,
    created_at  timestamptz not null
);
comment on column audience.columns is 'attributes in file order: [{"name": …, "kind": "number" | "text"}]';
comment on column audience.funnel is 'names of the nested labels of an impression, in funnel order';

create table import_file (
    id           bigint generated always as identity primary key,
    audience_id  bigint not null references audience,
    kind         text not null check (kind in ('customers', 'history', 'outcomes')),
    file_name    text not null,
    sha256       bytea not null check (length(sha256) = 32),
    received     bigint not null,
    created      bigint not null,
    updated      bigint not null,
    skipped      bigint not null,
    quarantined  bigint not null,
    run_id       bigint references job_run,
    imported_at  timestamptz not null,
    -- Nothing is lost: every row received is accounted for.
    check (received = created + updated + skipped + quarantined)
);

create index on import_file (audience_id, kind, id);

create table import_problem (
    import_file_id bigint not null references import_file on delete cascade,
    line           bigint not null,
    column_name    text,
    code           text not null,
    message        text not null
);
create index on import_problem (import_file_id, line);

create table audience_version (
    audience_id    bigint not null references audience,
    version        integer not null check (version > 0),
    import_file_id bigint not null references import_file,
    customers      bigint not null,
    created_at     timestamptz not null,
    primary key (audience_id, version)
);

create schema audience;

-- Makes an audience and its three relations, all with the same typed attribute columns:
--   audience.customers_<id>         one row a customer and version
--   audience.history_<id>           impressions of the past, attributes as they were then
--   audience.training_history_<id>  what training reads: history and the campaigns' own impressions
-- The application's role has no right to create tables; this function is its only way, and validates every name.
create function create_audience(
    audience_name text, audience_key_column text, audience_columns jsonb, audience_funnel text[],
    is_simulated boolean, at timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    new_id       bigint;
    attribute    jsonb;
    declarations text := '';
    attributes   text := '';
    of_customer  text := '';
    grantee      text := session_user;
begin
    if jsonb_typeof(audience_columns) <> 'array' or jsonb_array_length(audience_columns) not between 1 and 1024 then
        raise exception 'an audience has between 1 and 1,024 attributes' using errcode = '22023';
    end if;
    insert into audience(name, key_column, columns, funnel, simulated, created_at)
    values (audience_name, audience_key_column, audience_columns, audience_funnel, is_simulated, at)
    returning id into new_id;

    for attribute in select * from jsonb_array_elements(audience_columns) loop
        if attribute->>'name' !~ '^[A-Za-z][A-Za-z0-9_ .-]{0,62}$' then
            raise exception 'attribute name "%" is not a letter followed by up to 62 letters, digits, spaces or _ . -', attribute->>'name' using errcode = '22023';
        end if;
        if attribute->>'name' in ('customer', 'customer_key', 'version', 'import_file_id', 'impression_at', 'stage', 'amount', 'targeted') then
            raise exception 'attribute name "%" is reserved: rename the column', attribute->>'name' using errcode = '22023';
        end if;
        declarations := declarations || format(', %I %s', attribute->>'name',
            case attribute->>'kind' when 'number' then 'double precision' when 'text' then 'text' end);
        attributes := attributes || format(', h.%I', attribute->>'name');
        of_customer := of_customer || format(', c.%I', attribute->>'name');
    end loop;

    execute format('create table audience.%I (customer uuid not null, version integer not null, customer_key text not null%s, primary key (customer, version))', 'customers_' || new_id, declarations);
    execute format('create index on audience.%I (version)', 'customers_' || new_id);
    execute format('create table audience.%I (customer uuid not null, impression_at timestamptz not null, import_file_id bigint not null, stage smallint not null, targeted boolean not null, amount double precision%s)', 'history_' || new_id, declarations);
    execute format('create index on audience.%I (impression_at)', 'history_' || new_id);
    -- Rows are exported impressions only; a row says when its impression was, the reader cuts at the newest closed window.
    execute format(
        'create view audience.%I as
         select h.customer, h.impression_at, h.stage, h.targeted, h.amount%s from audience.%I h
         union all
         select p.customer, w.impressions_at, coalesce(f.stage, 0)::smallint, not p.exploration, null::double precision%s
           from campaign k
           join wave w on w.campaign_id = k.id
           join wave_plan p on p.campaign_id = k.id and p.wave_date = w.wave_date and p.policy = p.arm and p.action = 1
           join scoring s on s.id = w.scoring_id
           join audience.%I c on c.customer = p.customer and c.version = s.audience_version
           left join (select customer, campaign_id, wave_date, max(stage) as stage from funnel_label group by 1, 2, 3) f
             on f.customer = p.customer and f.campaign_id = k.id and f.wave_date = p.wave_date
          where k.audience_id = %s', 'training_history_' || new_id, attributes, 'history_' || new_id, of_customer, 'customers_' || new_id, new_id);

    if grantee <> current_user then
        execute format('grant usage on schema audience to %I', grantee);
        execute format('grant select, insert, delete on audience.%I, audience.%I to %I', 'customers_' || new_id, 'history_' || new_id, grantee);
        execute format('grant select on audience.%I to %I', 'training_history_' || new_id, grantee);
    end if;
    return new_id;
end $$;

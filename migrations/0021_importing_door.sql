-- The door: uploads, drafts that are checked before they are applied, templates of mappings, bad rows kept sealed, undo.

alter table import_refusal add column code text;
comment on column import_refusal.code is 'stable word for the reason';

alter table import_file
    add column warnings    bigint not null default 0,
    add column imported_by text,
    add column header      text,
    add column delimiter   text,
    add column replay_of   bigint references import_file,
    add column undone_at   timestamptz,
    add column undone_by   text,
    add column undone      jsonb,
    add check ((undone_at is null) = (undone_by is null));
comment on column import_file.warnings is 'values that were dropped while their rows were taken in, and rows that were left out on purpose';
comment on column import_file.header is 'the file''s first line, for files of its bad rows';
comment on column import_file.replay_of is 'whose bad rows, mended, this file brings';
comment on column import_file.undone is 'what was taken away, and what had been made of it by then';

-- The problem list of old files has neither rows nor values.
alter table import_problem
    add column warning  boolean not null default false,
    add column masked   text,
    add column sealed   bytea,
    add column customer uuid;
create index on import_problem (customer) where customer is not null;
comment on column import_problem.warning is 'the row was taken in without this value, or left out on purpose';
comment on column import_problem.masked is 'the value as a person may see it';
comment on column import_problem.sealed is 'the row as it stood in the file, encrypted: it may hold identifiers';
comment on column import_problem.customer is 'whose row it is, where its key could be read';

create table import_template (
    fingerprint bytea not null check (length(fingerprint) = 32),
    kind        text not null check (kind in ('customers', 'history', 'outcomes')),
    name        text not null check (length(name) between 1 and 100),
    mapping     jsonb not null,
    saved_by    text not null,
    saved_at    timestamptz not null,
    primary key (fingerprint, kind, name)
);
comment on table import_template is 'mappings of files by the SHA-256 of their header''s normalised names: offered when such a file comes again';

create table upload (
    id          bigint generated always as identity primary key,
    file_name   text not null,
    stored_as   text not null unique,
    bytes       bigint not null check (bytes >= 0),
    sha256      bytea not null check (length(sha256) = 32),
    uploaded_by text not null,
    uploaded_at timestamptz not null,
    removed_at  timestamptz
);
comment on column upload.file_name is 'as the sender called it: shown, never used as a path';
comment on column upload.stored_as is 'name in the folder of uploads';

create table import_draft (
    id           bigint generated always as identity primary key,
    request      jsonb not null,
    created_by   text not null,
    created_at   timestamptz not null,
    check_run_id bigint references job_run on delete set null,
    checked      jsonb,
    checked_at   timestamptz,
    apply_run_id bigint references job_run on delete set null,
    applied_by   text,
    applied_at   timestamptz
);
comment on column import_draft.checked is 'counts and first problems of a reading of the whole file that wrote nothing';

-- What an unfinished file says of persons: of no effect before the file is finished, and gone with it when it never is.
create table import_identifier (
    import_file_id bigint not null references import_file on delete cascade,
    customer       uuid not null,
    kind           smallint not null,
    blind_index    bytea,
    sealed         bytea not null,
    seen_at        timestamptz not null
);
create index on import_identifier (import_file_id);
comment on table import_identifier is 'identifiers of a file that is being imported, sealed as those of customer_identifier';

create table import_consent (
    number         bigint generated always as identity primary key,
    import_file_id bigint not null references import_file on delete cascade,
    customer       uuid not null,
    purpose        text not null,
    channel        text not null,
    granted        boolean not null,
    at             timestamptz not null,
    source         text not null
);
create index on import_consent (import_file_id, number);
comment on table import_consent is 'consents of a file that is being imported';

-- An import's impressions lie side by side, so an index of blocks is enough to find them: for its landing and its undoing.
alter function create_audience(text, text, jsonb, text[], boolean, timestamptz) rename to create_audience_tables;
revoke execute on function create_audience_tables(text, text, jsonb, text[], boolean, timestamptz) from public;
create function create_audience(
    audience_name text, audience_key_column text, audience_columns jsonb, audience_funnel text[],
    is_simulated boolean, at timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    new_id bigint := create_audience_tables(audience_name, audience_key_column, audience_columns, audience_funnel, is_simulated, at);
begin
    execute format('create index on audience.%I using brin (import_file_id) with (pages_per_range = 16)', 'history_' || new_id);
    return new_id;
end $$;
do $$
declare
    of_audience bigint;
begin
    for of_audience in select id from audience loop
        execute format('create index on audience.%I using brin (import_file_id) with (pages_per_range = 16)', 'history_' || of_audience);
    end loop;
end $$;

-- Takes an import away again: all of it or, with a sentence that says why not, nothing. The answer says how much, and what had been
-- made of it by then.
create function undo_import(of_file bigint, actor text, at timestamptz) returns jsonb
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    file  import_file;
    taken jsonb;
begin
    select * into file from import_file where id = of_file for update;
    if not found or file.state <> 'finished' then
        raise exception 'There is no finished import %.', of_file using errcode = '22023';
    end if;
    if file.undone_at is not null then
        raise exception 'Import % was undone on % by %.', of_file, to_char(file.undone_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI'), file.undone_by using errcode = '22023';
    end if;
    taken := case file.kind
        when 'customers' then undo_customers(file)
        when 'history' then undo_history(file)
        else undo_outcomes(file)
    end;
    update import_file set undone_at = at, undone_by = actor, undone = taken where id = of_file;
    return taken;
end $$;

create function undo_customers(file import_file) returns jsonb language plpgsql set search_path = public, pg_temp as $$
declare
    of_version   integer;
    newer        integer;
    campaign     text;
    other        bigint;
    customers    bigint;
    identifiers  bigint;
begin
    -- No version lands meanwhile, or it could be laid over the one that goes.
    perform pg_advisory_xact_lock(hashtextextended('versions of an audience', file.audience_id));
    -- Nobody plans a scoring meanwhile.
    lock table scoring in share mode;
    select v.version into of_version from audience_version v where v.import_file_id = file.id for update;
    select max(v.version) into newer from audience_version v where v.audience_id = file.audience_id;
    if of_version is null then
        raise exception 'Import % made no version of the audience: there is nothing to undo.', file.id using errcode = '22023';
    end if;
    if newer > of_version then
        raise exception 'Version % of the audience came after version %, which import % made: undo the newer import first.', newer, of_version, file.id using errcode = '22023';
    end if;
    select format('campaign %s (%s)', c.id, c.name) into campaign
      from scoring s join campaign c on c.id = s.campaign_id
     where c.audience_id = file.audience_id and s.audience_version = of_version order by s.id limit 1;
    if campaign is not null then
        raise exception 'Version %, which import % made, was scored for %: what was decided with it must stay explainable, so import a corrected file instead.', of_version, file.id, campaign using errcode = '22023';
    end if;
    create temporary table undone_customer (customer uuid primary key) on commit drop;
    execute format('insert into undone_customer select customer from audience.%1$I n where version = $1 and not exists (select from audience.%1$I o where o.customer = n.customer and o.version <> $1)',
        'customers_' || file.audience_id) using of_version;
    for other in select id from audience where id <> file.audience_id loop
        execute format('delete from undone_customer u using audience.%I o where o.customer = u.customer', 'customers_' || other);
    end loop;
    delete from customer_identifier i using undone_customer u where i.customer = u.customer;
    get diagnostics identifiers = row_count;
    execute format('delete from audience.%I where version = $1', 'customers_' || file.audience_id) using of_version;
    get diagnostics customers = row_count;
    delete from audience_version where audience_id = file.audience_id and version = of_version;
    drop table undone_customer;
    return jsonb_build_object('version', of_version, 'customers', customers, 'identifiers', identifiers);
end $$;

create function undo_history(file import_file) returns jsonb language plpgsql set search_path = public, pg_temp as $$
declare
    removed bigint;
    models  jsonb;
begin
    execute format('delete from audience.%I where import_file_id = $1', 'history_' || file.audience_id) using file.id;
    get diagnostics removed = row_count;
    select coalesce(jsonb_agg(format('%s %s', l.name, v.version) order by v.id), '[]') into models
      from model_version v join model_line l on l.id = v.model_line_id
     where l.audience_id = file.audience_id and v.trained_at >= file.imported_at;
    return jsonb_build_object('impressions', removed, 'trainedOn', models);
end $$;

-- A delivery or a label goes when no event that stays says the same; a stage also stands for those before it. What a file from before
-- the log said nobody knows: it cannot be undone itself, and while one of the audience is there deliveries and labels stay.
create function undo_outcomes(file import_file) returns jsonb language plpgsql set search_path = public, pg_temp as $$
declare
    outcomes   bigint;
    deliveries bigint;
    labels     bigint;
    events     bigint;
    reports    jsonb;
    unlogged   jsonb;
begin
    if file.unlogged then
        raise exception 'Import % is from before events were logged: what it alone said cannot be told from what others said too, so send corrections instead.', file.id using errcode = '22023';
    end if;
    select coalesce(jsonb_agg(format('import %s (%s)', f.id, f.file_name) order by f.id), '[]') into unlogged
      from import_file f where f.audience_id = file.audience_id and f.unlogged and f.undone_at is null;
    -- In one order, as corrections lock them, and before looking for corrections: one that was on its way is waited for and seen.
    perform from customer_outcome o join outcome_event e on o.source = e.source and o.event_id = e.event_id
      where e.import_file_id = file.id order by o.customer, o.event_id for update of o;
    if exists (select from outcome_event e join outcome_received r on r.source = e.source and r.corrects = e.event_id
                where e.import_file_id = file.id and r.import_file_id is distinct from file.id) then
        raise exception 'Later events correct events of import %: undo those first, or send corrections.', file.id using errcode = '22023';
    end if;
    delete from customer_outcome o using outcome_event e where e.import_file_id = file.id and o.source = e.source and o.event_id = e.event_id;
    get diagnostics outcomes = row_count;
    delete from delivery d
     where unlogged = '[]' and exists (select from outcome_received r where r.import_file_id = file.id and r.kind = 1
                      and r.customer = d.customer and r.campaign_id = d.campaign_id and r.wave_date = d.wave_date)
       and not exists (select from outcome_received r where r.import_file_id is distinct from file.id and r.kind = 1
                          and r.customer = d.customer and r.campaign_id = d.campaign_id and r.wave_date = d.wave_date);
    get diagnostics deliveries = row_count;
    delete from funnel_label l
     where unlogged = '[]' and exists (select from outcome_received r where r.import_file_id = file.id and r.kind = 2 and r.stage >= l.stage
                      and r.customer = l.customer and r.campaign_id = l.campaign_id and r.wave_date = l.wave_date)
       and not exists (select from outcome_received r where r.import_file_id is distinct from file.id and r.kind = 2 and r.stage >= l.stage
                          and r.customer = l.customer and r.campaign_id = l.campaign_id and r.wave_date = l.wave_date);
    get diagnostics labels = row_count;
    delete from stray_delivery where import_file_id = file.id;
    delete from outcome_received where import_file_id = file.id;
    delete from outcome_event where import_file_id = file.id;
    get diagnostics events = row_count;
    select coalesce(jsonb_agg(distinct c.name), '[]') into reports
      from lift_report r join campaign c on c.id = r.campaign_id
     where c.audience_id = file.audience_id and r.computed_at >= file.imported_at;
    return jsonb_build_object('events', events, 'customerOutcomes', outcomes, 'deliveries', deliveries, 'labels', labels, 'staleReports', reports, 'unlogged', unlogged);
end $$;
revoke execute on function undo_customers(import_file), undo_history(import_file), undo_outcomes(import_file) from public;

-- Long work in pieces: a scoring in shards that any worker takes, a file in chunks. What is unfinished nobody sees.

-- Whose piece it is follows from the run's own lease; there is no second clock.
create function holds_lease(run bigint, run_fence bigint) returns boolean language sql as $$
    select exists (select from job_run where id = run and fence = run_fence and state = 'running' and lease_until > clock_timestamp())
$$;

-- A worker that is frozen or cut off inside a transaction keeps its rows locked, and no time-out of the server ends a COPY that waits
-- for its client. So such transactions carry the attempt they belong to, and whoever goes on with its work ends them.
create function mark_attempt(of_run bigint, of_fence bigint) returns void language sql as $$
    select pg_advisory_xact_lock_shared((of_run % 2147483648)::integer, (of_fence % 2147483648)::integer)
$$;

-- As the application's own role: that may end its own sessions, and nobody else's.
create function end_lost_attempts(of_run bigint) returns bigint language sql as $$
    select count(*) filter (where pg_terminate_backend(l.pid, 2000))
      from pg_locks l
     where l.locktype = 'advisory' and l.objsubid = 2 and l.database = (select oid from pg_database where datname = current_database())
       and l.classid = (of_run % 2147483648)::oid and not holds_lease(of_run, l.objid::bigint)
$$;

alter table scoring
    alter column finished_at drop not null,
    add column control_sha256   bytea,
    add column treatment_sha256 bytea;
comment on column scoring.finished_at is 'null while its shards are being scored: nobody but its run and their assistants reads it then';
comment on column scoring.control_sha256 is 'of the weights, pinned when the scoring was planned; null for lines without weights';

create table score_shard (
    scoring_id     bigint not null references scoring on delete cascade,
    shard          integer not null check (shard >= 0),
    first_customer uuid not null,
    next_customer  uuid,
    run_id         bigint references job_run on delete set null,
    fence          bigint,
    asked          bigint,
    scored         bigint,
    exclusions     bigint[],
    checksum       bytea check (length(checksum) = 32),
    finished_at    timestamptz,
    primary key (scoring_id, shard),
    check ((finished_at is null) = (checksum is null))
);
comment on column score_shard.next_customer is 'first customer of the next shard; null: the shard reaches to the end';
comment on column score_shard.fence is 'with run_id: who took the shard; free again as soon as that run no longer holds its lease';
comment on column score_shard.asked is 'customers of the range that were looked at, of whom scored are eligible';
comment on column score_shard.exclusions is 'customers looked at, then left after each step of the exclusion funnel';
comment on column score_shard.checksum is 'SHA-256 of (customer, control score, treatment score), ordered by customer';

-- Shards are scored at different times: who was at the contact limit is looked up once, when the scoring is planned.
create table scoring_exclusion (
    scoring_id bigint not null references scoring on delete cascade,
    customer   uuid not null,
    primary key (scoring_id, customer)
);
comment on table scoring_exclusion is 'customers at the contact limit when the scoring was planned; removed when it is finished';

-- The application cannot alter a scoring: these two are its only ways, and neither touches a finished one.
create function finish_scoring(of_scoring bigint, eligible bigint, funnel jsonb, at timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    missing  bigint;
    looked   bigint;
    written  bigint;
    expected bigint;
begin
    select count(*) filter (where h.finished_at is null), sum(h.asked), sum(h.scored) into missing, looked, written
      from score_shard h where h.scoring_id = of_scoring;
    select v.customers into expected
      from scoring s join campaign c on c.id = s.campaign_id
      join audience_version v on v.audience_id = c.audience_id and v.version = s.audience_version where s.id = of_scoring;
    if missing > 0 or looked is distinct from expected or written is distinct from eligible then
        raise exception 'scoring % has % unfinished shards, looked at % of % customers and wrote % of % scores', of_scoring, missing, looked, expected, written, eligible;
    end if;
    update scoring set customers = eligible, exclusions = funnel, finished_at = at where id = of_scoring and finished_at is null;
    if not found then
        raise exception 'scoring % is finished already or was given up', of_scoring;
    end if;
    delete from scoring_exclusion where scoring_id = of_scoring;
end $$;

-- Removes a scoring that will never be finished: the caller's own, or one whose run ended.
create function discard_scoring(of_scoring bigint, caller bigint) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    -- The row of a run that ended is held against its being tried again; a live run's is not, its heartbeat would wait.
    perform from job_run j join scoring s on s.run_id = j.id
      where s.id = of_scoring and s.finished_at is null and j.state in ('failed', 'cancelled', 'succeeded') for share of j;
    if not found and not exists (select from scoring s where s.id = of_scoring and s.finished_at is null and s.run_id = caller) then
        return false;
    end if;
    -- Shards first: a shard's scores are written while its row is held.
    delete from score_shard where scoring_id = of_scoring;
    delete from score where scoring_id = of_scoring;
    delete from scoring where id = of_scoring;
    return true;
end $$;

alter table import_file
    add column state    text not null default 'finished' check (state in ('reading', 'finished')),
    add column version  integer,
    add column settings text not null default '',
    add column fence    bigint;
comment on column import_file.state is 'reading: received says how many rows are done; its rows are in no version, history or outcome yet';
comment on column import_file.version is 'of customers: the version the rows are written for, while the file is read';
comment on column import_file.settings is 'how the rows are read; another way starts the file over';
comment on column import_file.fence is 'with run_id: who reads the file; free again as soon as that run no longer holds its lease';

-- Two uploads of the same bytes at once are one import, and two files at once are two versions.
create unique index import_file_reading on import_file (audience_id, kind, sha256) where state = 'reading';
create unique index import_file_version on import_file (audience_id, version) where state = 'reading';

-- Chunks of an outcome file until all of them are there. A crash of PostgreSQL empties it; such a file starts over.
create unlogged table outcome_staging (
    import_file_id bigint not null references import_file on delete cascade,
    line           bigint not null,
    event_id       text not null,
    kind           smallint not null,
    customer       uuid not null,
    campaign_id    bigint,
    wave_date      date,
    stage          smallint,
    occurred_at    timestamptz not null,
    amount         double precision
);
create index on outcome_staging (import_file_id);

-- Removes a file that will never be finished: one whose run ended. Its rows lie in tables of its audience.
create function discard_import(of_file bigint) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    file import_file;
begin
    select f.* into file from import_file f join job_run j on j.id = f.run_id
      where f.id = of_file and f.state = 'reading' and j.state in ('failed', 'cancelled', 'succeeded') for no key update of f;
    if not found then
        return false;
    end if;
    case file.kind
        when 'customers' then execute format('delete from audience.%I where version = $1', 'customers_' || file.audience_id) using file.version;
        when 'history' then execute format('delete from audience.%I where import_file_id = $1', 'history_' || file.audience_id) using file.id;
        else delete from outcome_staging where import_file_id = file.id;
    end case;
    delete from import_file where id = file.id;
    return true;
end $$;

-- By the attempt that found it: a run also fails when its file is not there, or a setting is wrong.
create table import_refusal (
    run_id     bigint not null references job_run on delete cascade,
    fence      bigint not null,
    reason     text not null,
    refused_at timestamptz not null default clock_timestamp(),
    primary key (run_id, fence)
);
comment on table import_refusal is 'append-only: files whose content was refused, with the sentence that says why';

create table inbox_file (
    run_id  bigint primary key references job_run on delete cascade,
    content text not null,
    number  integer not null check (number >= 0),
    unique (content, number)
);
comment on table inbox_file is 'append-only: dropped files that were put away though not every row was counted; dropped again, the same bytes are a run of the next number';
comment on column inbox_file.content is 'audience, source and hash, as in the run''s dedupe key';

-- What training reads: rows of finished files, and exported impressions; a row says when its impression was, the reader cuts at
-- the newest closed window.
create function define_training_history(of_audience bigint) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    attributes  text;
    of_customer text;
begin
    select string_agg(format(', h.%I', e.attribute->>'name'), '' order by e.place), string_agg(format(', c.%I', e.attribute->>'name'), '' order by e.place)
      into attributes, of_customer
      from audience a cross join jsonb_array_elements(a.columns) with ordinality e(attribute, place) where a.id = of_audience;
    execute format(
        'create or replace view audience.%I as
         select h.customer, h.impression_at, h.stage, h.targeted, h.amount%s from audience.%I h
           join import_file i on i.id = h.import_file_id and i.state = ''finished''
         union all
         select p.customer, w.impressions_at, coalesce(f.stage, 0)::smallint, not p.exploration, null::double precision%s
           from campaign k
           join wave w on w.campaign_id = k.id
           join wave_plan p on p.campaign_id = k.id and p.wave_date = w.wave_date and p.policy = p.arm and p.action = 1
           join scoring s on s.id = w.scoring_id
           join audience.%I c on c.customer = p.customer and c.version = s.audience_version
           left join (select customer, campaign_id, wave_date, max(stage) as stage from funnel_label group by 1, 2, 3) f
             on f.customer = p.customer and f.campaign_id = k.id and f.wave_date = p.wave_date
          where k.audience_id = %s', 'training_history_' || of_audience, attributes, 'history_' || of_audience, of_customer, 'customers_' || of_audience, of_audience);
end $$;
revoke execute on function define_training_history(bigint) from public;
select define_training_history(id) from audience;

-- As before, but for the view, which has a function of its own now.
create or replace function create_audience(
    audience_name text, audience_key_column text, audience_columns jsonb, audience_funnel text[],
    is_simulated boolean, at timestamptz) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    new_id       bigint;
    attribute    jsonb;
    declarations text := '';
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
    end loop;

    execute format('create table audience.%I (customer uuid not null, version integer not null, customer_key text not null%s, primary key (customer, version))', 'customers_' || new_id, declarations);
    execute format('create index on audience.%I (version)', 'customers_' || new_id);
    execute format('create table audience.%I (customer uuid not null, impression_at timestamptz not null, import_file_id bigint not null, stage smallint not null, targeted boolean not null, amount double precision%s)', 'history_' || new_id, declarations);
    execute format('create index on audience.%I (impression_at)', 'history_' || new_id);
    perform define_training_history(new_id);

    if grantee <> current_user then
        execute format('grant usage on schema audience to %I', grantee);
        execute format('grant select, insert, delete on audience.%I, audience.%I to %I', 'customers_' || new_id, 'history_' || new_id, grantee);
        execute format('grant select on audience.%I to %I', 'training_history_' || new_id, grantee);
    end if;
    return new_id;
end $$;

-- Unfinished scorings and files are no stage's work yet.
create or replace view campaign_stage as
with newest_run as (
    select distinct on (r.campaign_id, r.kind) r.campaign_id, r.kind, r.id, r.state, r.progress, r.progress_msg, r.error
      from job_run r where r.campaign_id is not null order by r.campaign_id, r.kind, r.id desc),
newest_training as (
    select distinct on (c.id) c.id as campaign_id, r.id, r.state, r.progress, r.progress_msg, r.error
      from campaign c
      join job_run r on r.kind = 'train' and (r.arguments->>'modelLineId')::bigint in (c.control_line_id, c.treatment_line_id)
     order by c.id, (r.state in ('running', 'queued')) desc, r.id desc),
rows_of_stage as (
    select c.id as campaign_id, 1 as ordinal, 'Importing' as stage, 'import' as kind,
           (select max(v.created_at) from audience_version v where v.audience_id = c.audience_id) as done_at,
           (select v.customers from audience_version v where v.audience_id = c.audience_id order by v.version desc limit 1) as quantity,
           'customers' as unit
      from campaign c
    union all
    select c.id, 2, 'Training', 'train',
           case when t.promoted_at is not null and k.promoted_at is not null then greatest(t.promoted_at, k.promoted_at) end,
           (k.version is not null)::int + (t.version is not null)::int, 'champions of 2'
      from campaign c
      left join champion k on k.model_line_id = c.control_line_id
      left join champion t on t.model_line_id = c.treatment_line_id
    union all
    select c.id, 3, 'Scoring', 'score', s.finished_at, s.customers, 'customers scored by both models'
      from campaign c left join lateral (select * from scoring s where s.campaign_id = c.id and s.finished_at is not null order by s.id desc limit 1) s on true
    union all
    select c.id, 4, 'Allocating', 'allocate',
           -- A missed day stays missing: the last day's wave ends the stage.
           (select w.published_at from wave w where w.campaign_id = c.id and w.wave_date = c.starts_on + c.days - 1),
           (select count(*) from wave w where w.campaign_id = c.id), 'of ' || c.days || ' waves'
      from campaign c
    union all
    select c.id, 5, 'Exporting', 'export',
           case when exists (select from wave w where w.campaign_id = c.id and w.wave_date = c.starts_on + c.days - 1)
                 and (select count(*) from export e where e.campaign_id = c.id) >= 2 * (select count(*) from wave w where w.campaign_id = c.id)
                then (select max(exported_at) from export e where e.campaign_id = c.id) end,
           (select count(*) from export e where e.campaign_id = c.id), 'of ' || 2 * c.days || ' lists'
      from campaign c
    union all
    select c.id, 6, 'Outcomes', 'outcomes',
           (select max(f.imported_at) from import_file f where f.state = 'finished' and f.kind = 'outcomes' and f.audience_id = c.audience_id and exists (select from wave w where w.campaign_id = c.id and w.published_at <= f.imported_at)),
           (select count(*) from delivery d where d.campaign_id = c.id), 'impressions delivered'
      from campaign c
    union all
    select c.id, 7, 'Lift', 'lift',
           (select max(l.computed_at) from lift_report l where l.campaign_id = c.id),
           (select count(*) from lift_report l where l.campaign_id = c.id), 'reports'
      from campaign c)
select s.campaign_id, s.ordinal, s.stage, s.kind,
       case when coalesce(r.state, t.state) = 'running' then 'running'
            when coalesce(r.state, t.state) = 'queued' then 'queued'
            when s.done_at is not null then 'done'
            when coalesce(r.state, t.state) in ('failed', 'cancelled') then coalesce(r.state, t.state)
            else 'waiting' end as state,
       s.done_at, coalesce(s.quantity, 0)::bigint as quantity, s.unit,
       coalesce(r.id, t.id) as run_id, coalesce(r.progress, t.progress) as progress,
       coalesce(r.progress_msg, t.progress_msg) as message, coalesce(r.error, t.error) as error
  from rows_of_stage s
  left join newest_run r on r.campaign_id = s.campaign_id and r.kind = s.kind and s.kind <> 'train'
  left join newest_training t on t.campaign_id = s.campaign_id and s.kind = 'train';

-- Outcomes over HTTP beside files: a log of every event as it was received, answers by idempotency key, events put aside.
--
-- PostgreSQL has no unique constraint over partitions without their key, so what makes an event count once stays where it was:
-- outcome_event, not partitioned, written first. delivery, funnel_label and customer_outcome stay plain tables too: they are the
-- current state, keyed by what they say rather than by when it came, and Lift and Training read them by campaign and customer,
-- which no month prunes; moving them would cost their keys and give nothing. What grows by time alone and is never looked up by key
-- is the log: it is new, partitioned by the month in which an event was received, and nothing has to be moved into it. Events from
-- before have no row there.

alter table outcome_event alter column import_file_id drop not null;
comment on column outcome_event.import_file_id is 'null: the event came over HTTP';

-- Undo looks in the log for other events that say the same; files from before have none there.
alter table import_file add column unlogged boolean not null default false;
update import_file f set unlogged = true where f.kind = 'outcomes' and f.state = 'finished' and exists (select from outcome_event e where e.import_file_id = f.id);
comment on column import_file.unlogged is 'its events came before there was a log of them: they cannot be undone';

alter table stray_delivery alter column import_file_id drop not null;
comment on column stray_delivery.import_file_id is 'null: the delivery was reported over HTTP';

alter table audience add column currency text check (currency ~ '^[A-Z]{3}$');
comment on column audience.currency is 'of all its amounts: the first that an outcome named; null: none did';

alter table customer_outcome
    add column voided       boolean not null default false,
    add column corrected_at timestamptz,
    add column corrected_by text;
comment on column customer_outcome.voided is 'taken back by its newest correction: does not count';
comment on column customer_outcome.corrected_at is 'when its newest correction happened, whichever came first; the outcome keeps its own time';
comment on column customer_outcome.corrected_by is 'event_id of that correction, of the same source; the amount is that correction''s';

create table outcome_batch (
    id          bigint generated always as identity primary key,
    source      text not null,
    audiences   bigint[] not null,
    accepted_of bigint[] not null,
    received_at timestamptz not null,
    received    integer not null,
    accepted    integer not null,
    duplicate   integer not null,
    quarantined integer not null,
    late        integer not null,
    weak        integer not null,
    -- Nothing is lost: every event received is accounted for.
    check (received = accepted + duplicate + quarantined),
    check (cardinality(audiences) = cardinality(accepted_of))
);
create index on outcome_batch using gin (audiences);
create index on outcome_batch (received_at desc);
comment on column outcome_batch.accepted_of is 'how many of the accepted events belong to each of the audiences';
comment on table outcome_batch is 'append-only: batches of events that were taken over HTTP';

create table outcome_received (
    received_at    timestamptz not null,
    source         text not null,
    event_id       text not null,
    weak           boolean not null,
    kind           smallint not null,
    customer       uuid not null,
    audience_id    bigint not null,
    campaign_id    bigint,
    wave_date      date,
    stage          smallint,
    occurred_at    timestamptz not null,
    amount         double precision,
    currency       text,
    corrects       text,
    void           boolean not null,
    import_file_id bigint,
    outcome_batch_id bigint
) partition by range (received_at);
create index on outcome_received (source, corrects) where corrects is not null;
comment on table outcome_received is 'append-only: every accepted event, corrections included, as it was received';
comment on column outcome_received.weak is 'the sender gave no event_id: it is a hash of what the event says, so two equal events are one';

create table outcome_received_default partition of outcome_received default;
comment on table outcome_received_default is 'append-only: events of a month that nobody had made a partition for';

-- The application's role makes no tables; this is its only way, and it makes nothing else. Partitions have the log's rights.
create function add_outcome_month(of_day date) returns boolean
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    first_day date := date_trunc('month', of_day)::date;
    next_day  date := (date_trunc('month', of_day) + interval '1 month')::date;
    month     text := 'outcome_received_' || to_char(of_day, 'YYYY_MM');
begin
    if of_day not between current_date - 366 and current_date + 366 then
        raise exception 'partitions are made for months within a year of today, not for %', of_day using errcode = '22023';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('outcome_received', 0));
    if to_regclass('public.' || month) is not null then
        return false;
    end if;
    execute format('create table %I (like outcome_received)', month);
    execute format('comment on table %I is %L', month, 'append-only: events received in this month');
    if session_user <> current_user then
        execute format('revoke all on %I from %I', month, session_user);
    end if;
    -- Events of this month that are still coming in would be seen by the attachment but not by the delete.
    lock table outcome_received_default in access exclusive mode;
    -- Bounds are in UTC, whoever calls.
    execute format('with late as (delete from outcome_received_default where received_at >= %L and received_at < %L returning *) insert into %I select * from late',
        first_day || ' 00:00:00+00', next_day || ' 00:00:00+00', month);
    execute format('alter table outcome_received attach partition %I for values from (%L) to (%L)', month, first_day || ' 00:00:00+00', next_day || ' 00:00:00+00');
    return true;
end $$;
select add_outcome_month((date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead))::date) from generate_series(0, 2) ahead;

create table outcome_problem (
    id          bigint generated always as identity primary key,
    source      text not null,
    event_id    text not null,
    received_at timestamptz not null,
    occurred_at timestamptz,
    customer    uuid,
    audience_id bigint,
    campaign_id bigint,
    code        text not null,
    field       text,
    message     text not null,
    sealed      bytea not null,
    tries       integer not null default 1,
    unique (source, event_id)
);
create index on outcome_problem (audience_id);
create index on outcome_problem (customer);
comment on table outcome_problem is 'events over HTTP that were put aside; a row goes when its event is counted after all';
comment on column outcome_problem.event_id is 'a hash of the event''s text where it has none that can be read';
comment on column outcome_problem.received_at is 'when it came first';
comment on column outcome_problem.customer is 'null: could not be read';
comment on column outcome_problem.sealed is 'the event''s text, encrypted: a bad event may hold anything';

-- No state: whoever holds the key's advisory lock is at work, and the row is written by the transaction that stores the events.
-- A process that dies in flight leaves neither.
create table idempotency (
    api_client   text not null,
    key          text not null check (length(key) between 1 and 255),
    request_hash bytea not null check (length(request_hash) = 32),
    status       smallint not null,
    body         text not null,
    created_at   timestamptz not null,
    primary key (api_client, key)
);
create index on idempotency (created_at);
comment on table idempotency is 'answers that were given, for those who ask again with the same key';

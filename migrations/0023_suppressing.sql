-- Who is not contacted, who agreed to what, and who was erased. An opt-out stays until somebody lifts it by name; no import can.

create table suppression (
    id           bigint generated always as identity primary key,
    kind         text not null check (kind in ('customer', 'email', 'phone', 'maid')),
    customer     uuid,
    blind_index  bytea check (length(blind_index) = 32),
    key          bytea not null generated always as (coalesce(blind_index, uuid_send(customer))) stored,
    origin       bytea check (origin is null or length(origin) = 32 and kind = 'customer'),
    channel      text check (channel <> '' and channel <> 'all'),
    reason       text not null check (reason in ('do-not-contact', 'objection', 'erased')),
    lifted       boolean not null default false,
    source       text not null check (source <> ''),
    recorded_by  text not null check (recorded_by <> ''),
    at           timestamptz not null,
    check ((kind = 'customer') = (customer is not null) and (kind = 'customer') = (blind_index is null)),
    -- An objection is to the use of the data, whatever the channel; what was erased cannot be asked back.
    check (reason = 'do-not-contact' or channel is null),
    check (not (lifted and reason = 'erased'))
);
comment on table suppression is 'append-only: a row for each opt-out and for each lifting of one; the newest of the same key, channel and reason rules';
comment on column suppression.blind_index is 'keyed hash of the canonical e-mail address or phone number: outlives the erasure of what it was made of';
comment on column suppression.key is 'whose it is, whatever the kind: what rows are found by';
comment on column suppression.origin is 'the keyed hash whose opt-out the customer took over as its owner; null: said of the customer';
comment on column suppression.channel is 'null: every channel';
comment on column suppression.source is 'where it was said; of a lifting: why';

create index on suppression (key, reason);
create index suppression_lifted on suppression (key, reason) where lifted;

-- A lifting without a channel lifts those of single channels too, and one of a customer those that came with an address.
create view suppression_now as
select s.id, s.kind, s.customer, s.blind_index, s.key, s.origin, s.channel, s.reason, s.source, s.recorded_by, s.at
  from suppression s
 where not s.lifted
   and not exists (select from suppression l
                    where l.lifted and l.key = s.key and l.reason = s.reason and l.id > s.id
                      and (l.origin is null or l.origin = s.origin) and (l.channel is null or l.channel = s.channel));

-- By whichever way: the customer's own row, or that of an address or number which is the customer's now. A channel of null is every channel.
create view not_contactable as
select s.customer, s.channel, s.reason from suppression_now s where s.kind = 'customer'
union all
select i.customer, s.channel, s.reason
  from suppression_now s
  join customer_identifier i on i.kind = case s.kind when 'email' then 1 when 'phone' then 2 else 7 end and i.blind_index = s.blind_index
 where s.kind <> 'customer';

-- Those whose data no model learns from.
create view objector as
select customer from not_contactable where reason in ('objection', 'erased');

create table consent (
    customer    uuid not null,
    purpose     text not null check (purpose <> ''),
    channel     text not null check (channel <> ''),
    at          timestamptz not null,
    granted     boolean not null,
    source      text not null check (source <> ''),
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (customer, purpose, channel, at, granted)
);
comment on table consent is 'append-only: every grant and withdrawal that was told; the newest by time rules, a withdrawal before a grant of the same time';
comment on column consent.channel is 'one channel, or all';

create index consent_newest on consent (customer, purpose, channel, at desc, granted);

create view consent_now as
select distinct on (customer, purpose, channel) customer, purpose, channel, granted, at, source
  from consent order by customer, purpose, channel, at desc, granted;

create table erasure (
    customer      uuid primary key,
    requested_at  timestamptz not null,
    requested_by  text not null,
    traces_sealed bytea,
    finished_at   timestamptz,
    counts        jsonb not null default '{}'
);
comment on table erasure is 'an erased customer is never imported again, whatever a later file says';
comment on column erasure.traces_sealed is 'what is looked for while it is being erased, encrypted; null as soon as it is finished';
comment on column erasure.counts is '{store: rows or files}';

-- The last word, whoever writes: no identifier of an erased customer, and none that was erased under another key.
create function forget_erased_identifiers() returns trigger language plpgsql as $$
begin
    delete from customer_identifier i using added a
     where i.customer = a.customer and i.kind = a.kind
       and (exists (select from erasure e where e.customer = a.customer)
            or exists (select from suppression s where s.reason = 'erased' and s.blind_index = a.blind_index));
    return null;
end $$;
create trigger forget_erased_identifiers_added after insert on customer_identifier
    referencing new table as added for each statement execute function forget_erased_identifiers();
create trigger forget_erased_identifiers_changed after update on customer_identifier
    referencing new table as added for each statement execute function forget_erased_identifiers();

-- Whoever is seen with an address that has opted out, has: a later file that gives the customer another address does not bring it back.
create function take_over_opt_outs() returns trigger language plpgsql as $$
begin
    insert into suppression(kind, customer, origin, channel, reason, source, recorded_by, at)
    select 'customer', a.customer, s.key, s.channel, s.reason, min(s.source), min(s.recorded_by), clock_timestamp()
      from added a join suppression_now s on s.key = a.blind_index
     where s.reason <> 'erased'
       and not exists (select from suppression_now o
                        where o.key = uuid_send(a.customer) and o.reason = s.reason and o.origin = s.key and o.channel is not distinct from s.channel)
     group by a.customer, s.key, s.channel, s.reason;
    return null;
end $$;
create trigger take_over_opt_outs_added after insert on customer_identifier
    referencing new table as added for each statement execute function take_over_opt_outs();
create trigger take_over_opt_outs_changed after update on customer_identifier
    referencing new table as added for each statement execute function take_over_opt_outs();

-- A later file's bad row of an erased customer is counted, not kept.
create function forget_erased_rows() returns trigger language plpgsql as $$
begin
    update import_problem p set sealed = null, masked = null, message = 'of an erased customer'
      from added a join erasure e on e.customer = a.customer
     where p.import_file_id = a.import_file_id and p.line = a.line and p.customer = a.customer;
    return null;
end $$;
create trigger forget_erased_rows after insert on import_problem
    referencing new table as added for each statement execute function forget_erased_rows();

-- In every audience and version: files and texts are searched for them.
create function customer_keys(of_customer uuid) returns setof text
language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
    of_audience bigint;
begin
    for of_audience in select id from audience order by id loop
        return query execute format('select distinct customer_key from audience.%I where customer = $1', 'customers_' || of_audience) using of_customer;
    end loop;
end $$;

-- The application cannot alter the audiences' rows: this is its only way, and only for an erasure that was asked for.
create function erase_customer_key(of_customer uuid) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    of_audience bigint;
    of_table    bigint;
    altered     bigint := 0;
begin
    if not exists (select from erasure where customer = of_customer and finished_at is null) then
        raise exception 'nobody asked for the erasure of customer %', of_customer using errcode = '42501';
    end if;
    for of_audience in select id from audience order by id loop
        execute format('update audience.%I set customer_key = $2 where customer = $1 and customer_key <> $2', 'customers_' || of_audience)
            using of_customer, 'erased-' || left(of_customer::text, 8);
        get diagnostics of_table = row_count;
        altered := altered + of_table;
    end loop;
    return altered;
end $$;

-- Only what stands in strings: a number is no text, and the document stays one. A string is seen with its quotes, as keys that also stand
-- for other things are looked for in quotes; a name is not.
create function erased_json(document jsonb, person text) returns jsonb language plpgsql immutable strict as $$
begin
    return case jsonb_typeof(document)
        when 'string' then to_jsonb(regexp_replace(substr(regexp_replace('"' || (document #>> '{}') || '"', person, '[erased]', 'gi'), 2), '"$', ''))
        when 'array' then (select coalesce(jsonb_agg(erased_json(e.value, person) order by e.ordinality), '[]') from jsonb_array_elements(document) with ordinality e)
        when 'object' then (select coalesce(jsonb_object_agg(regexp_replace(e.key, person, '[erased]', 'gi'), erased_json(e.value, person)), '{}') from jsonb_each(document) e)
        else document
    end;
end $$;

-- Texts in tables that the application only adds to: where a file was refused, and what was given as a source of the person's own rows.
create function erase_kept_texts(of_customer uuid, addresses bytea[], person text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    of_table bigint;
    altered  bigint := 0;
begin
    if not exists (select from erasure where customer = of_customer and finished_at is null) then
        raise exception 'nobody asked for the erasure of customer %', of_customer using errcode = '42501';
    end if;
    update import_refusal set reason = regexp_replace(reason, person, '[erased]', 'gi') where reason ~* person;
    get diagnostics of_table = row_count;
    altered := altered + of_table;
    update consent set source = regexp_replace(source, person, '[erased]', 'gi') where customer = of_customer and source ~* person;
    get diagnostics of_table = row_count;
    altered := altered + of_table;
    update suppression set source = regexp_replace(source, person, '[erased]', 'gi') where key = any(uuid_send(of_customer) || addresses) and source ~* person;
    get diagnostics of_table = row_count;
    return altered + of_table;
end $$;

-- Scoring leaves out those who did not agree, those who objected and those at the contact limit, as they were when it was planned.
alter table scoring_exclusion add column step text not null default 'contact limit';
comment on table scoring_exclusion is 'customers left out of a scoring as they were when it was planned, with the first step that leaves them out; removed when it is finished';

-- A draft may be changed after its customers were scored; it is not split out of scores of another definition.
alter table scoring add column definition text;
comment on column scoring.definition is 'what decided who was scored, and by which lines, as JSON; null: from before it was kept';

-- Shards that were scored before have counts of fewer steps; such a scoring is planned anew.
select discard_scoring(id, run_id) from scoring where finished_at is null and run_id is not null;

-- Whose consent was asked for, and for which channel, decided who is eligible.
create trigger campaign_gate_is_frozen before update on campaign for each row
    when ((old.channel, old.consent_purpose) is distinct from (new.channel, new.consent_purpose)) execute function campaign_is_frozen();

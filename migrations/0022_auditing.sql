-- Who did what, in a chain of hashes that nobody rewrites unseen. docs/audit.md says how somebody else verifies it.

create table audit_event (
    id          bigint      primary key check (id > 0),
    at          timestamptz not null,
    actor       text        not null check (length(actor) between 1 and 300),
    action      text        not null check (action ~ '^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$'),
    object_kind text        not null check (length(object_kind) between 1 and 100),
    object_id   text        not null check (length(object_id) <= 300),
    before      jsonb,
    after       jsonb,
    origin      text        check (length(origin) <= 300),
    prev_hash   bytea       not null check (length(prev_hash) = 32),
    row_hash    bytea       not null check (length(row_hash) = 32)
);
create index on audit_event (at);
create index on audit_event (object_kind, object_id);
create index on audit_event (actor);
comment on table audit_event is 'read-only: add_audit_event alone adds to it, nobody changes it';
comment on column audit_event.id is '1, 2, 3 … in the order of the commits, without a gap';
comment on column audit_event.actor is 'user:NAME, key:PREFIX, run:ID, cli:OS USER, or anonymous';
comment on column audit_event.before is 'what changed, as it was; never a secret, never an identifier of a customer';
comment on column audit_event.origin is 'address or machine that the wish came from';
comment on column audit_event.prev_hash is 'row_hash of the row before; 32 zero bytes in the first';
comment on column audit_event.row_hash is 'sha256(prev_hash || audit_text(row) in UTF-8)';

-- What a transaction has done and not committed yet; to everybody else this table is empty.
create unlogged table audit_entry (
    id          bigint generated always as identity primary key,
    actor       text not null,
    action      text not null,
    object_kind text not null,
    object_id   text not null,
    before      jsonb,
    after       jsonb,
    origin      text
);
comment on table audit_entry is 'read-only: entries on their way into audit_event; a commit leaves none behind';

-- A field as its length in bytes, a colon, the text and a comma; null is a minus.
create function audit_field(value text) returns text language sql immutable as $$
    select coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value || ',', '-')
$$;

-- The canonical text of a row: nine fields, one after the other. The time is UTC with six decimals; before and after are what jsonb prints.
create function audit_text(e audit_event) returns text language sql stable as $$
    select audit_field(e.id::text) || audit_field(to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || audit_field(e.actor) || audit_field(e.action) || audit_field(e.object_kind) || audit_field(e.object_id)
        || audit_field(e.before::text) || audit_field(e.after::text) || audit_field(e.origin)
$$;

-- Runs at the commit, whenever the entry was made: the lock is held for the commit alone, and no other lock is waited for behind it.
-- Locks go when the commit can be seen, so the next holder reads the true end of the chain.
create function chain_audit_entry() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    tail audit_event;
    link audit_event;
begin
    perform pg_advisory_xact_lock(hashtextextended('audit', 0));
    select * into tail from audit_event order by id desc limit 1;
    link := row(coalesce(tail.id, 0) + 1, clock_timestamp(), new.actor, new.action, new.object_kind, new.object_id, new.before, new.after, new.origin,
                coalesce(tail.row_hash, decode(repeat('00', 32), 'hex')), null);
    link.row_hash := sha256(link.prev_hash || convert_to(audit_text(link), 'UTF8'));
    insert into audit_event select link.*;
    delete from audit_entry where id = new.id;
    return null;
end $$;
create constraint trigger audit_entry_is_chained after insert on audit_entry deferrable initially deferred
    for each row execute function chain_audit_entry();

create function add_audit_event(
    of_actor text, of_action text, of_object_kind text, of_object_id text, state_before jsonb, state_after jsonb, from_origin text) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'an audit entry needs a transaction that reads what others have committed meanwhile, not %', current_setting('transaction_isolation')
            using errcode = '25001';
    end if;
    insert into audit_entry (actor, action, object_kind, object_id, before, after, origin)
    values (of_actor, of_action, of_object_kind, of_object_id, state_before, state_after, from_origin);
end $$;

create function audit_event_is_kept() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is never changed' using errcode = '42501';
end $$;
create trigger audit_event_is_kept before update or delete on audit_event for each row execute function audit_event_is_kept();
create trigger audit_event_is_not_emptied before truncate on audit_event for each statement execute function audit_event_is_kept();
-- Also for sessions that pose as a replica.
alter table audit_event enable always trigger audit_event_is_kept;
alter table audit_event enable always trigger audit_event_is_not_emptied;

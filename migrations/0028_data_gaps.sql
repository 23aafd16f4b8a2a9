-- Erasures reach what waits of unfinished files; removal lines as they were handed out; webhooks with two secrets while one is exchanged.

-- The last word, whoever stages: what a file says of an erased customer, or under an erased address, does not even wait.
create function forget_erased_staging() returns trigger language plpgsql as $$
declare
    gone uuid[];
begin
    -- The two ways one by one: each is a join of sets.
    select array_agg(customer) into gone from (
        select a.customer from added a join erasure e on e.customer = a.customer
        union
        select a.customer from added a join suppression s on s.key = a.blind_index and s.reason = 'erased') barred;
    if gone is null then
        return null;
    end if;
    delete from import_identifier i
     where i.import_file_id in (select import_file_id from added) and i.customer = any(gone)
       and (exists (select from erasure e where e.customer = i.customer)
            or exists (select from suppression s where s.key = i.blind_index and s.reason = 'erased'));
    return null;
end $$;
create trigger forget_erased_staging after insert on import_identifier
    referencing new table as added for each statement execute function forget_erased_staging();

create function forget_erased_consents() returns trigger language plpgsql as $$
begin
    if exists (select from added a join erasure e on e.customer = a.customer) then
        delete from import_consent c using erasure e where e.customer = c.customer and c.import_file_id in (select import_file_id from added);
    end if;
    return null;
end $$;
create trigger forget_erased_consents after insert on import_consent
    referencing new table as added for each statement execute function forget_erased_consents();

-- Lines have no key in most channels' files: with this, who stands in which line can be told from the order of the customers.
alter table export add column without_line bytea;
comment on column export.without_line is 'a bit for each customer whom the gate let pass, in their order, the lowest first: set where the channel could not tell who it is; null: nobody, or not kept (unlisted tells)';

alter table webhook
    add column former_secret bytea,
    add column former_until  timestamptz,
    add check ((former_secret is null) = (former_until is null));
comment on column webhook.former_secret is 'sealed; signs beside the new one until former_until, and is taken away behind it';

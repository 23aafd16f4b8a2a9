-- Identifiers of customers (e-mail, phone, names …), sealed, and the keys that seal them, wrapped by ASP.NET Data Protection.

create table identifier_key (
    purpose    text not null check (purpose in ('seal', 'index')),
    number     integer not null check (number > 0),
    wrapped    bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    primary key (purpose, number),
    -- Another index key would no longer find what the first one has indexed.
    check (purpose = 'seal' or number = 1)
);
comment on table identifier_key is 'append-only: the newest seals, all of them open';
comment on column identifier_key.wrapped is 'protected by the keys in data_protection_key; a number stands in the first four bytes of whatever it has sealed';

create table customer_identifier (
    customer    uuid not null,
    kind        smallint not null check (kind between 1 and 7),
    blind_index bytea check (length(blind_index) = 32),
    sealed      bytea not null,
    seen_at     timestamptz not null,
    primary key (customer, kind)
);
create index on customer_identifier (blind_index, kind) where blind_index is not null;
comment on table customer_identifier is 'AES-256-GCM, bound to customer and kind; nowhere else may an identifier lie in the open';
comment on column customer_identifier.kind is '1 e-mail, 2 phone, 3 first name, 4 last name, 5 country, 6 zip, 7 mobile advertising id';
comment on column customer_identifier.blind_index is 'HMAC-SHA-256 of kind and canonical value: finds a person without opening anything; null where nobody is looked up by it';
comment on column customer_identifier.seen_at is 'when the source said so; a newer one wins';

alter table campaign
    add column channel         text not null default 'generic-csv' check (length(channel) between 1 and 50),
    add column consent_purpose text check (length(consent_purpose) between 1 and 100);
comment on column campaign.channel is 'profile that its lists are written for, unless an export names another';
comment on column campaign.consent_purpose is 'what customers must have consented to before a list names them; null: no consent is asked for';

-- Keys of programs that use the HTTP API, and campaigns that were submitted for approval.

create table api_key (
    id            bigint generated always as identity primary key,
    name          text        not null check (length(btrim(name)) between 1 and 100),
    prefix        text        not null unique check (prefix ~ '^[A-Za-z0-9]{8}$'),
    secret_sha256 bytea       not null check (length(secret_sha256) = 32),
    scopes        text[]      not null check (cardinality(scopes) >= 1),
    created_by    text        not null,
    created_at    timestamptz not null,
    expires_at    timestamptz not null check (expires_at > created_at and expires_at <= created_at + interval '2 years'),
    last_used_at  timestamptz,
    revoked_at    timestamptz,
    revoked_by    text,
    check ((revoked_at is null) = (revoked_by is null))
);
comment on column api_key.prefix is 'the part of a key that is no secret: names it in lists, logs and the audit';
comment on column api_key.secret_sha256 is 'SHA-256 of the secret part, which is printed once and stored nowhere';
comment on column api_key.last_used_at is 'at most a minute old while the key is in use';

-- What a key may do is decided when it is made; a revoked one stays revoked.
create function api_key_is_frozen() returns trigger language plpgsql as $$
begin
    raise exception 'the key "%" is never changed: make a new one and revoke this', old.name using errcode = '42501';
end $$;
create trigger api_key_is_frozen before update on api_key for each row
    when ((old.name, old.prefix, old.secret_sha256, old.scopes, old.created_by, old.created_at, old.expires_at)
          is distinct from (new.name, new.prefix, new.secret_sha256, new.scopes, new.created_by, new.created_at, new.expires_at)
          or (old.revoked_at is not null and (old.revoked_at, old.revoked_by) is distinct from (new.revoked_at, new.revoked_by)))
    execute function api_key_is_frozen();

-- What a key did is known by its prefix, and what was submitted by its row: both stay, whoever asks.
create function access_row_stays() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never deleted', tg_table_name using errcode = '42501';
end $$;
create trigger api_key_stays before delete on api_key for each row execute function access_row_stays();
alter table api_key enable always trigger api_key_stays;

create table campaign_submission (
    id                bigint generated always as identity primary key,
    campaign_id       bigint      not null references campaign,
    definition_sha256 bytea       not null check (length(definition_sha256) = 32),
    definition        jsonb       not null,
    submitted_by      text        not null,
    submitted_at      timestamptz not null,
    comment           text check (length(comment) <= 2000)
);
create index on campaign_submission (campaign_id, id);
comment on table campaign_submission is 'append-only: definitions that were submitted for approval; void as soon as the campaign''s own has another hash';

create trigger campaign_submission_stays before delete on campaign_submission for each row execute function access_row_stays();
alter table campaign_submission enable always trigger campaign_submission_stays;

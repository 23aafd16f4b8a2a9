-- A second step at sign-in, passwords that are good for one time, and users who are deactivated instead of deleted.

alter table app_user
    add column two_factor_enabled   boolean     not null default false,
    add column authenticator_key    bytea,
    add column two_factor_step      bigint      not null default 0,
    add column must_change_password boolean     not null default false,
    add column deactivated_at       timestamptz,
    add column signed_in_at         timestamptz,
    add check (not two_factor_enabled or authenticator_key is not null);
comment on column app_user.authenticator_key is 'sealed by data protection for this user; there while the second step is being set up, and as long as it is on';
comment on column app_user.two_factor_step is 'the 30 seconds, counted from 1970, of the newest code that was taken: only later ones are taken after it';
comment on column app_user.must_change_password is 'the password was given by somebody else: the next sign-in asks for a new one';
comment on column app_user.deactivated_at is 'from then on nobody signs in by this name; what the user did stays under it';

create table app_user_recovery_code (
    user_id     bigint not null references app_user on delete cascade,
    code_sha256 bytea  not null check (length(code_sha256) = 32),
    primary key (user_id, code_sha256)
);
comment on table app_user_recovery_code is 'a row is a code that was not used yet';

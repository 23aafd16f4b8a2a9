-- Who may use this installation, and as what. Passwords are kept as ASP.NET Core Identity's salted hashes only.

create table app_user (
    id                   bigint generated always as identity primary key,
    user_name            text        not null check (length(user_name) between 1 and 100),
    normalized_user_name text        not null unique,
    password_hash        text,
    security_stamp       text        not null,
    access_failed_count  integer     not null default 0 check (access_failed_count >= 0),
    lockout_end          timestamptz,
    version              integer     not null default 1,
    created_at           timestamptz not null default now()
);
comment on column app_user.security_stamp is 'changes with the password, the roles and on "sign out everywhere"; sessions carry it and end when it differs';
comment on column app_user.version is 'optimistic lock: every update asks for the version it has read';

create table app_role (
    id              integer generated always as identity primary key,
    name            text not null,
    normalized_name text not null unique,
    description     text not null
);

create table app_user_role (
    user_id bigint  not null references app_user on delete cascade,
    role_id integer not null references app_role,
    primary key (user_id, role_id)
);

insert into app_role (name, normalized_name, description) values
    ('Viewer',        'VIEWER',        'sees campaigns and reports'),
    ('Marketer',      'MARKETER',      'defines campaigns and starts their stages'),
    ('DataScientist', 'DATASCIENTIST', 'trains models and starts stages'),
    ('Administrator', 'ADMINISTRATOR', 'everything, users and settings included');

-- ASP.NET Core's data protection keys: every web process on this database reads the others' cookies.
create table data_protection_key (
    id            integer generated always as identity primary key,
    friendly_name text        not null,
    xml           text        not null,
    created_at    timestamptz not null default now()
);

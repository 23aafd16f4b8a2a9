-- Model lines, their trained versions, and which version is the champion.

create table model_line (
    id          bigint generated always as identity primary key,
    audience_id bigint not null references audience,
    name        text not null,
    network     text not null,
    settings    jsonb not null default '{}',
    created_at  timestamptz not null,
    unique (audience_id, name)
);
comment on column model_line.network is 'kind of network (pimm, shared-bottom, …), "random", or "truth:…" in a simulated audience';

create table model_version (
    id                bigint generated always as identity primary key,
    model_line_id     bigint not null references model_line,
    version           integer not null check (version > 0),
    seed              bigint not null,
    description       jsonb not null,
    feature_map       jsonb,
    weights           bytea,
    weights_sha256    bytea,
    training_rows     bigint not null,
    newest_impression timestamptz,
    run_id            bigint references job_run,
    trained_at        timestamptz not null,
    unique (model_line_id, version)
);
comment on column model_version.description is 'the model.json of the trained model: options, epochs, metrics on the held-out rows';

create table promotion (
    id               bigint generated always as identity primary key,
    model_line_id    bigint not null references model_line,
    model_version_id bigint not null references model_version,
    promoted_at      timestamptz not null,
    promoted_by      text not null,
    reason           text not null
);
create index on promotion (model_line_id, id);

-- The newest promotion rules: rolling back is one more promotion.
create view champion as
select distinct on (p.model_line_id) p.model_line_id, p.model_version_id, v.version, p.promoted_at, p.reason
  from promotion p join model_version v on v.id = p.model_version_id
 order by p.model_line_id, p.id desc;

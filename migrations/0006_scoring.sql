-- Both models' probability of a core conversion for every eligible customer, frozen.

create table scoring (
    id                   bigint generated always as identity primary key,
    campaign_id          bigint not null references campaign,
    audience_version     integer not null,
    control_version_id   bigint not null references model_version,
    treatment_version_id bigint not null references model_version,
    customers            bigint not null,
    exclusions           jsonb not null,
    run_id               bigint references job_run,
    finished_at          timestamptz not null
);
create index on scoring (campaign_id, id);
comment on column scoring.exclusions is 'the exclusion funnel: [{"step": …, "customers": remaining}]';

create table score (
    customer        uuid not null,
    scoring_id      bigint not null references scoring,
    control_score   real not null,
    treatment_score real not null,
    primary key (customer, scoring_id)
);
create index on score (scoring_id);

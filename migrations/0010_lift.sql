create table lift_report (
    id          bigint generated always as identity primary key,
    campaign_id bigint not null references campaign,
    as_of       timestamptz not null,
    report      jsonb not null,
    code_version text not null,
    run_id      bigint references job_run,
    computed_at timestamptz not null
);
create index on lift_report (campaign_id, id);

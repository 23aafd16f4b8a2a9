create table export (
    campaign_id bigint not null,
    wave_date   date not null,
    arm         smallint not null check (arm in (0, 1)),
    channel     text not null,
    file_name   text not null,
    rows        bigint not null,
    bytes       bigint not null,
    sha256      bytea not null check (length(sha256) = 32),
    run_id      bigint references job_run,
    exported_at timestamptz not null,
    primary key (campaign_id, wave_date, arm, channel),
    foreign key (campaign_id, wave_date) references wave
);

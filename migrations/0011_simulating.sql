create table simulated_market (
    audience_id bigint primary key references audience,
    world       text not null,
    seed        bigint not null,
    customers   bigint not null,
    starts_at   timestamptz not null
);
comment on table simulated_market is 'makes the truth of a simulated audience computable again; a real audience has no row here';

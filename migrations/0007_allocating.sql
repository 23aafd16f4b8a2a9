-- The split, drawn once, and the waves: one row of each plan for every exported or held-back customer.

create table allocation (
    campaign_id         bigint primary key references campaign,
    scoring_id          bigint not null references scoring,
    method              text not null,
    winner              integer not null,
    imbalances          double precision[] not null,
    balance             jsonb not null,
    control_customers   bigint not null,
    treatment_customers bigint not null,
    run_id              bigint references job_run,
    allocated_at        timestamptz not null
);
comment on column allocation.imbalances is 'Mahalanobis imbalance of every candidate salt, in candidate order; winner is its index';

create table assignment (
    customer    uuid not null,
    campaign_id bigint not null references campaign,
    arm         smallint not null check (arm in (0, 1)),
    flagged     boolean not null,
    primary key (customer, campaign_id)
);
create index on assignment (campaign_id);
comment on column assignment.arm is '0 control, 1 treatment; first write wins, never updated';
comment on column assignment.flagged is 'hash(hold-back salt, customer) < hold-back share: sticky, the same under every policy';

-- Append-only for everybody: an arm that changes is an experiment that ended.
create function assignment_is_frozen() returns trigger language plpgsql as $$
begin
    raise exception 'assignments are never changed: start a new campaign with a new salt' using errcode = '42501';
end $$;
create trigger assignment_is_frozen before update on assignment for each row execute function assignment_is_frozen();

create table wave (
    campaign_id      bigint not null references campaign,
    wave_date        date not null,
    scoring_id       bigint not null references scoring,
    impressions      integer not null check (impressions >= 0),
    exploration      integer not null check (exploration >= 0),
    control_cutoff   real,
    treatment_cutoff real,
    impressions_at   timestamptz not null,
    run_id           bigint references job_run,
    published_at     timestamptz not null,
    primary key (campaign_id, wave_date)
);
comment on column wave.impressions is 'exported in each arm; below the campaign''s N where an arm could not fill it';
comment on column wave.impressions_at is 'start of the wave''s day in the campaign''s time zone: windows are counted from here';

create table wave_plan (
    customer    uuid not null,
    campaign_id bigint not null,
    wave_date   date not null,
    policy      smallint not null check (policy in (0, 1)),
    arm         smallint not null check (arm in (0, 1)),
    action      smallint not null check (action in (1, 2)),
    exploration boolean not null,
    rank        integer,
    propensity  real,
    primary key (customer, campaign_id, wave_date, policy),
    foreign key (campaign_id, wave_date) references wave
);
create index on wave_plan (campaign_id, wave_date);
-- Under one policy a customer is reached, or passed, in one wave only.
create unique index on wave_plan (campaign_id, customer, policy);
comment on table wave_plan is 'what both policies plan for both arms; rows with policy = arm are the wave itself, the others its shadow list';
comment on column wave_plan.action is '1 exported, 2 held back';

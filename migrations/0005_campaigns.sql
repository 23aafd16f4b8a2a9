create table campaign (
    id                  bigint generated always as identity primary key,
    name                text not null unique check (length(name) between 1 and 100),
    audience_id         bigint not null references audience,
    control_line_id     bigint not null references model_line,
    treatment_line_id   bigint not null references model_line,
    time_zone           text not null,
    starts_on           date not null,
    days                integer not null check (days between 1 and 366),
    window_days         integer not null check (window_days between 1 and 366),
    impressions_per_day integer not null check (impressions_per_day between 1 and 100000000),
    holdback_share      double precision not null check (holdback_share >= 0 and holdback_share <= 0.5),
    exploration_share   double precision not null check (exploration_share >= 0 and exploration_share <= 0.5),
    split_method        text not null check (split_method in ('best-of', 'blocks', 'plain')),
    split_candidates    integer not null check (split_candidates between 1 and 10000),
    salt                text not null unique,
    created_by          text not null,
    created_at          timestamptz not null,
    planned_conversions integer check (planned_conversions > 0)
);
comment on column campaign.impressions_per_day is 'N of one wave, in each arm';
comment on column campaign.salt is 'split, hold-back, exploration and ties hash with salts of their own made from this one; never used again';
comment on column campaign.planned_conversions is 'core conversions of both arms expected at launch: the scale of the sequential bounds';

-- What came back: deliveries, funnel labels of impressions, customer outcomes by any route.

-- Unique for ever and written first in the same transaction: an event counts once.
create table outcome_event (
    source         text not null,
    event_id       text not null,
    import_file_id bigint not null references import_file,
    primary key (source, event_id)
);

create table delivery (
    customer     uuid not null,
    campaign_id  bigint not null references campaign,
    wave_date    date not null,
    delivered_at timestamptz not null,
    primary key (customer, campaign_id, wave_date)
);
create index on delivery (campaign_id);

create table funnel_label (
    customer    uuid not null,
    campaign_id bigint not null references campaign,
    wave_date   date not null,
    stage       smallint not null check (stage between 1 and 10),
    occurred_at timestamptz not null,
    primary key (customer, campaign_id, wave_date, stage)
);
create index on funnel_label (campaign_id);
comment on column funnel_label.stage is 'position in the audience''s funnel, from 1; stage k of an impression is possible only after stage k - 1';

create table customer_outcome (
    customer    uuid not null,
    audience_id bigint not null references audience,
    occurred_at timestamptz not null,
    amount      double precision,
    source      text not null,
    event_id    text not null,
    primary key (customer, source, event_id)
);
create index on customer_outcome (audience_id, occurred_at);
comment on table customer_outcome is 'core conversions by any route: need neither impression nor click, never quarantined for order';

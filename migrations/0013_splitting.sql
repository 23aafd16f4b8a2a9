-- Who enters a campaign and how its arms are drawn: covariates, traffic share, layers, contact limits, restarts.

alter table campaign
    add column split_covariates text[] not null default '{control-score}' check (cardinality(split_covariates) between 1 and 3),
    add column traffic_share    double precision not null default 1 check (traffic_share > 0 and traffic_share <= 1),
    add column layer            text check (length(layer) between 1 and 100),
    add column layer_from       integer,
    add column layer_to         integer,
    add column contact_limit    integer check (contact_limit between 1 and 1000),
    add column contact_days     integer check (contact_days between 1 and 366),
    add column copy_of          bigint references campaign,
    add constraint campaign_layer_range check (
        (layer is null and layer_from is null and layer_to is null)
        or (layer is not null and layer_from is not null and layer_to is not null
            and layer_from >= 0 and layer_from < layer_to and layer_to <= 10000)),
    add constraint campaign_contact_limit_complete check ((contact_limit is null) = (contact_days is null));
comment on column campaign.split_covariates is 'what best-of balances and blocks stratify by (the first): control-score, treatment-score, or a number attribute';
comment on column campaign.traffic_share is 'share of the audience that may enter, by a hash with a salt of its own';
comment on column campaign.layer is 'campaigns of the same audience and layer share one hash: ranges that do not overlap exclude each other';
comment on column campaign.layer_from is 'first of the layer''s 10,000 parts; layer_to is the first one after the range';
comment on column campaign.contact_limit is 'customers exported this often in the contact_days before the first day are not eligible';
comment on column campaign.copy_of is 'the campaign this one restarts, with a salt of its own';

-- From the first day's midnight to the end of the last wave's window: when a campaign's outcomes count.
create function campaign_period(starts_on date, days integer, window_days integer, time_zone text) returns tstzrange
language sql stable as $$
    select tstzrange(starts_on::timestamp at time zone time_zone,
                     ((starts_on + days - 1)::timestamp at time zone time_zone) + make_interval(hours => 24 * window_days))
$$;

-- Whoever takes a range of a layer waits for whoever is taking one, and looks only then.
create function campaign_layer_is_free() returns trigger language plpgsql as $$
declare
    other record;
begin
    perform pg_advisory_xact_lock(hashtextextended('campaign layer ' || new.audience_id || ' ' || new.layer, 0));
    select c.name, c.layer_from, c.layer_to, upper(campaign_period(c.starts_on, c.days, c.window_days, c.time_zone)) as closes
      into other
      from campaign c
     where c.audience_id = new.audience_id and c.layer = new.layer and c.id <> new.id
       and c.layer_from < new.layer_to and new.layer_from < c.layer_to
       and campaign_period(c.starts_on, c.days, c.window_days, c.time_zone) && campaign_period(new.starts_on, new.days, new.window_days, new.time_zone)
     order by c.id limit 1;
    if found then
        raise exception 'Campaign "%" has % to % of the layer "%" until %, which overlaps % to %: choose a free range, another layer, or days after that.',
            other.name, other.layer_from, other.layer_to, new.layer, to_char(other.closes at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), new.layer_from, new.layer_to
            using errcode = '23P01', constraint = 'campaign_layer_is_free';
    end if;
    return new;
end $$;
create trigger campaign_layer_is_free before insert or update on campaign
    for each row when (new.layer is not null) execute function campaign_layer_is_free();

-- Once customers are split, what decided it stands: a changed definition would no longer give the stored arms.
create function campaign_is_frozen() returns trigger language plpgsql as $$
begin
    if exists (select from allocation a where a.campaign_id = old.id) then
        raise exception 'campaign "%" is split: its definition is never changed, copy it with a new salt instead', old.name using errcode = '42501';
    end if;
    return new;
end $$;
create trigger campaign_is_frozen before update on campaign for each row
    when ((old.audience_id, old.control_line_id, old.treatment_line_id, old.time_zone, old.starts_on, old.days, old.window_days,
           old.impressions_per_day, old.holdback_share, old.exploration_share, old.split_method, old.split_candidates, old.salt,
           old.split_covariates, old.traffic_share, old.layer, old.layer_from, old.layer_to, old.contact_limit, old.contact_days)
          is distinct from
          (new.audience_id, new.control_line_id, new.treatment_line_id, new.time_zone, new.starts_on, new.days, new.window_days,
           new.impressions_per_day, new.holdback_share, new.exploration_share, new.split_method, new.split_candidates, new.salt,
           new.split_covariates, new.traffic_share, new.layer, new.layer_from, new.layer_to, new.contact_limit, new.contact_days))
    execute function campaign_is_frozen();

create trigger allocation_is_frozen before update on allocation for each row execute function assignment_is_frozen();

comment on table allocation is 'append-only: the split is drawn once, the first write wins';
comment on table assignment is 'append-only: an arm that changes is an experiment that ended';

-- Deliveries to customers whom that wave did not export: put aside when they were imported, kept here to be counted by arm.
create table stray_delivery (
    customer       uuid not null,
    campaign_id    bigint not null references campaign,
    wave_date      date not null,
    delivered_at   timestamptz not null,
    import_file_id bigint not null references import_file,
    primary key (customer, campaign_id, wave_date)
);
create index on stray_delivery (campaign_id);
comment on table stray_delivery is 'append-only: deliveries of customers that were not exported in that wave';

-- The arrow back in time: scoring sees through it whom earlier campaigns reached.
create view customer_contact as
select c.audience_id, p.campaign_id, p.customer, w.impressions_at as contacted_at
  from wave_plan p
  join wave w on w.campaign_id = p.campaign_id and w.wave_date = p.wave_date
  join campaign c on c.id = p.campaign_id
 where p.policy = p.arm and p.action = 1;

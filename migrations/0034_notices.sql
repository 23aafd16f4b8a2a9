-- What the clock says, for processes that have none.
create table schedule_outlook (
    schedule_id bigint primary key references schedule on delete cascade,
    version     int not null,
    next_at     timestamptz[] not null,
    missed      text[] not null,
    missed_at   timestamptz[] not null,
    computed_at timestamptz not null,
    check (cardinality(missed) = cardinality(missed_at))
);
comment on table schedule_outlook is 'the next fire times of a schedule and what it missed, as a worker computed them from this version of it';

create function tell_schedule_news() returns trigger language plpgsql as $$
begin
    perform pg_notify('pimm_news', 'schedule');
    return null;
end $$;
create trigger schedule_news after insert or update or delete on schedule for each statement execute function tell_schedule_news();
create trigger schedule_firing_news after insert on schedule_firing for each statement execute function tell_schedule_news();
create trigger schedule_outlook_added after insert on schedule_outlook for each row execute function tell_schedule_news();
create trigger schedule_outlook_changed after update on schedule_outlook for each row
    when ((old.version, old.next_at, old.missed) is distinct from (new.version, new.next_at, new.missed)) execute function tell_schedule_news();

-- What somebody should look at. A cause has one open notice; it is resolved when its cause is gone.
create table attention (
    id          bigint generated always as identity primary key,
    kind        text not null check (kind in ('run-failed', 'schedule', 'night-missed', 'lift-alarm', 'outcomes-stale', 'approval-waiting', 'quota-unfilled', 'disk-low', 'worker-gone')),
    severity    text not null check (severity in ('information', 'warning', 'error')),
    cause       text not null,
    text        text not null,
    object      text not null,
    object_id   bigint,
    raised_at   timestamptz not null default clock_timestamp(),
    resolved_at timestamptz
);
create unique index attention_open on attention (cause) where resolved_at is null;
create index attention_raised on attention (raised_at);
comment on table attention is 'notices for people; notice is what webhooks are told';
comment on column attention.cause is 'what it is about, to the letter: a second notice of the same cause is not raised while one is open';
comment on column attention.object is 'run, schedule, campaign, worker or disk: where it leads';

create table attention_seen (
    attention_id bigint not null references attention on delete cascade,
    user_id      bigint not null references app_user on delete cascade,
    seen_at      timestamptz not null default clock_timestamp(),
    primary key (attention_id, user_id)
);

create function tell_seen() returns trigger language plpgsql as $$
begin
    perform pg_notify('pimm_news', 'notice');
    return null;
end $$;
create trigger attention_seen_news after insert on attention_seen for each statement execute function tell_seen();

create function tell_attention() returns trigger language plpgsql as $$
begin
    perform pg_notify('pimm_news', 'notice');
    if tg_op = 'INSERT' then
        perform add_notice('notice.raised', json_build_object(
            'noticeId', new.id, 'kind', new.kind, 'severity', new.severity, 'object', new.object, 'objectId', new.object_id));
    end if;
    return null;
end $$;
create trigger attention_raised_is_told after insert on attention for each row execute function tell_attention();
create trigger attention_changed_is_told after update on attention for each row execute function tell_attention();

-- A run that failed for good, by itself and not because of the run that it waited for. What the same work did better since is mended.
create view failed_run as
select r.id, r.kind, r.campaign_id, r.finished_at, split_part(r.error, E'\n', 1) as sentence
  from job_run r
 where r.state = 'failed' and r.finished_at > clock_timestamp() - interval '14 days'
   and not (r.started_at is null and r.after_runs <> '{}')
   and not exists (select from job_run l
                    where l.kind = r.kind and l.id > r.id and l.state = 'succeeded' and l.campaign_id is not distinct from r.campaign_id
                      and (r.campaign_id is not null or l.arguments - array['seed', 'asOf'] = r.arguments - array['seed', 'asOf']));

-- Submissions that wait for somebody's word.
create view waiting_approval as
select l.submission_id, c.id as campaign_id, c.name as campaign, l.submitted_by, l.submitted_at
  from campaign c join campaign_life l on l.campaign_id = c.id and l.approval = 'in review' and l.stopped_at is null;

-- Campaigns whose windows are open, that had a list to deliver two days ago, and of which nothing came back since.
create view stale_outcomes as
select c.id as campaign_id, c.name as campaign, came.last_at
  from campaign c
  cross join lateral (
       select greatest(
              (select max(f.imported_at) from import_file f where f.audience_id = c.audience_id and f.kind = 'outcomes' and f.undone_at is null),
              (select max(b.received_at) from outcome_batch b where b.audiences @> array[c.audience_id])) as last_at) came
 where exists (select from wave w where w.campaign_id = c.id and w.wave_date < (clock_timestamp() at time zone c.time_zone)::date - 1)
   and c.starts_on + c.days + c.window_days > (clock_timestamp() at time zone c.time_zone)::date
   and coalesce(came.last_at, '-infinity') < clock_timestamp() - interval '36 hours';

create view attention_cause as
select 'run-failed' as kind, 'error' as severity, 'run/' || r.id as cause,
       format('Run %s (%s) failed: %s', r.id, r.kind, coalesce(r.sentence, 'it gave no reason.')) as text, 'run' as object, r.id as object_id
  from failed_run r
union all
select 'night-missed', 'warning', 'schedule/' || s.id || '/missed',
       format('The schedule "%s" missed %s of its times, the last one on %s: no worker was there to fire it.', s.name, cardinality(o.missed),
              to_char(o.missed_at[cardinality(o.missed_at)] at time zone s.time_zone, 'YYYY-MM-DD')), 'schedule', s.id
  from schedule s join schedule_outlook o on o.schedule_id = s.id
 where s.enabled and s.kind <> 'collect' and o.missed_at[cardinality(o.missed_at)] > clock_timestamp() - interval '3 days'
union all
select 'lift-alarm', 'warning', 'campaign/' || c.id || '/lift',
       format('The lift report of campaign "%s" has %s of its health checks in alarm, the first: %s. Its verdict is not to be trusted.', c.name, alarms.count, alarms.first), 'campaign', c.id
  from campaign c
  cross join lateral (select l.report from lift_report l where l.campaign_id = c.id order by l.version desc limit 1) newest
  cross join lateral (select count(*), min(k ->> 'name') as first from jsonb_array_elements(newest.report::jsonb -> 'checks') k where (k ->> 'alarm')::boolean) alarms
 where alarms.count > 0
union all
select 'outcomes-stale', 'warning', 'campaign/' || o.campaign_id || '/outcomes',
       format('Nothing came back of campaign "%s" %s, and its windows are open: send outcomes, or its result stays empty.', o.campaign,
              coalesce('since ' || to_char(o.last_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), 'yet')), 'campaign', o.campaign_id
  from stale_outcomes o
union all
select 'approval-waiting', 'information', 'submission/' || w.submission_id,
       format('Campaign "%s" of %s waits for somebody''s approval.', w.campaign, regexp_replace(w.submitted_by, '^user:', '')), 'campaign', w.campaign_id
  from waiting_approval w
union all
select 'quota-unfilled', 'warning', 'campaign/' || c.id || '/quota',
       format('The wave of %s of campaign "%s" has %s of %s impressions for each arm: its eligible customers do not fill its budget.', w.wave_date, c.name, w.impressions, c.impressions_per_day), 'campaign', c.id
  from campaign c
  cross join lateral (select * from wave n where n.campaign_id = c.id order by n.wave_date desc limit 1) w
 where w.impressions < c.impressions_per_day and w.wave_date >= (clock_timestamp() at time zone c.time_zone)::date - 2
union all
select 'worker-gone', 'warning', 'worker/' || w.id,
       format('The worker %s fell silent without a word: look at its log.', w.name), 'worker', w.id
  from worker w
 where w.stopped_at is null and w.seen_at between clock_timestamp() - interval '1 hour' and clock_timestamp() - interval '30 seconds'
union all
select 'worker-gone', 'error', 'workers', 'No worker is at work: nothing that is asked for happens. Start one with ./pimm work.', 'worker', null
 where not exists (select from worker w where w.stopped_at is null and w.seen_at > clock_timestamp() - interval '30 seconds');

-- At once, and gone as soon as somebody tries the run again.
create function raise_failed_run() returns trigger language plpgsql as $$
begin
    if new.state = 'failed' then
        insert into attention (kind, severity, cause, text, object, object_id)
        select 'run-failed', 'error', 'run/' || r.id, format('Run %s (%s) failed: %s', r.id, r.kind, coalesce(r.sentence, 'it gave no reason.')), 'run', r.id
          from failed_run r where r.id = new.id
            on conflict do nothing;
    else
        update attention set resolved_at = clock_timestamp() where cause = 'run/' || new.id and resolved_at is null;
    end if;
    return null;
end $$;
create trigger job_run_failure_raises after update of state on job_run for each row
    when (new.state = 'failed' and old.state <> 'failed' or old.state = 'failed' and new.state <> 'failed') execute function raise_failed_run();

-- Which worker tried a run, when, and how each try ended.
create table job_run_attempt (
    run_id     bigint not null references job_run on delete cascade,
    fence      bigint not null,
    attempt    int not null,
    owner      text,
    version    text,
    started_at timestamptz not null default clock_timestamp(),
    ended_at   timestamptz,
    ended_as   text check (ended_as in ('succeeded', 'failed', 'cancelled', 'handed back', 'taken over')),
    error      text,
    primary key (run_id, fence),
    check ((ended_at is null) = (ended_as is null))
);
comment on column job_run_attempt.version is 'of the code of the worker; null where it was not in the list of workers';

create function note_attempt() returns trigger language plpgsql as $$
begin
    if old.state = 'running' and (new.state <> 'running' or new.fence <> old.fence) then
        update job_run_attempt
           set ended_at = clock_timestamp(), error = split_part(new.error, E'\n', 1),
               ended_as = case when new.attempt < old.attempt then 'handed back'
                               when new.state = 'running' or old.lease_until < clock_timestamp() then 'taken over'
                               when new.state = 'queued' then 'failed' else new.state end
         where run_id = new.id and fence = old.fence and ended_at is null;
    end if;
    if new.state = 'running' and new.fence <> old.fence then
        insert into job_run_attempt (run_id, fence, attempt, owner, version)
        values (new.id, new.fence, new.attempt, new.owner, (select w.version from worker w where w.name = new.owner order by w.id desc limit 1))
            on conflict do nothing;
    end if;
    return null;
end $$;
create trigger job_run_attempts after update of state, fence on job_run for each row
    when (old.state <> new.state or old.fence <> new.fence) execute function note_attempt();

-- One row a run: what is to be done, who does it, how far it is, what came out. The fence rises with every claim;
-- an effect is valid only while its fence is the row's.
create table job_run (
  id bigint generated always as identity primary key,
  kind text not null check (kind <> ''),
  dedupe_key text not null check (dedupe_key <> ''),
  arguments jsonb not null,
  campaign_id bigint,
  logical_date date,
  requires text[] not null default '{}',
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  attempt int not null default 0 check (attempt >= 0),
  max_attempts int not null default 3 check (max_attempts >= 1),
  max_duration interval check (max_duration > interval '0'),
  fence bigint not null default 0,
  owner text,
  lease_until timestamptz,
  heartbeat_at timestamptz,
  not_before timestamptz not null default clock_timestamp(),
  cancel_requested boolean not null default false,
  progress real check (progress between 0 and 1),
  progress_msg text,
  checkpoint_uri text,
  checkpoint_sha256 bytea,
  result jsonb,
  error text,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz,
  unique (kind, dedupe_key),
  check ((state = 'running') = (lease_until is not null)),
  check ((state in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null)));

comment on column job_run.arguments is 'what the job is to do, camelCase JSON';
comment on column job_run.logical_date is 'the day the run is about, not the day it happens to run';
comment on column job_run.requires is 'capabilities a worker must offer, all of them';
comment on column job_run.max_duration is 'budget of one attempt; liveness is lease_until';
comment on column job_run.error is 'first line: one sentence; the rest: detail';

create index job_run_open on job_run (id) where state in ('queued', 'running');
create index job_run_campaign on job_run (campaign_id, id);

create table job_run_log (
  run_id bigint not null references job_run (id) on delete cascade,
  fence bigint not null,
  seq int not null,
  logged_at timestamptz not null default clock_timestamp(),
  level text not null check (level in ('information', 'warning', 'error')),
  message text not null,
  primary key (run_id, fence, seq));

-- Steps that are done: a re-run skips them.
create table job_run_step (
  run_id bigint not null references job_run (id) on delete cascade,
  step text not null,
  fence bigint not null,
  finished_at timestamptz not null default clock_timestamp(),
  primary key (run_id, step));

create function notify_pimm_job() returns trigger language plpgsql as $$
begin
  perform pg_notify('pimm_job', case tg_table_name when 'job_run' then to_jsonb(new) ->> 'id' else to_jsonb(new) ->> 'run_id' end);
  return null;
end $$;

create trigger job_run_added after insert on job_run for each row execute function notify_pimm_job();

-- A heartbeat alone is no news.
create trigger job_run_changed after update on job_run for each row
  when ((old.state, old.attempt, old.cancel_requested, old.progress, old.progress_msg)
        is distinct from (new.state, new.attempt, new.cancel_requested, new.progress, new.progress_msg))
  execute function notify_pimm_job();

create trigger job_run_logged after insert on job_run_log for each row execute function notify_pimm_job();

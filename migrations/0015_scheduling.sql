-- Chains of runs: one that waits is claimable only when all that it waits for have succeeded.

alter table job_run add column after_runs bigint[] not null default '{}';

comment on column job_run.after_runs is 'runs that must have succeeded before this one starts';

create index job_run_after on job_run using gin (after_runs) where after_runs <> '{}';

-- Runs that ended lately, for those who measure every few seconds.
create index job_run_finished on job_run (finished_at) where finished_at is not null;

-- A run whose predecessor failed or was cancelled fails as it is queued. The predecessors are locked, so that none of them can
-- end unseen between this look and the commit.
create function fail_without_predecessors() returns trigger language plpgsql as $$
declare
  lost record;
begin
  perform from job_run where id = any(new.after_runs) order by id for share;
  select id, kind, state into lost from job_run
   where id = any(new.after_runs) and state in ('failed', 'cancelled') order by id limit 1;
  if found then
    new.state := 'failed';
    new.finished_at := clock_timestamp();
    new.error := format('Run %s (%s) %s, so this run had nothing to go on: try run %s again.',
                        lost.id, lost.kind, case lost.state when 'failed' then 'failed' else 'was cancelled' end, lost.id);
  end if;
  return new;
end $$;

create trigger job_run_queued_in_chain before insert or update of state on job_run for each row
  when (new.state = 'queued' and new.after_runs <> '{}')
  execute function fail_without_predecessors();

-- Queueing the waiting runs anew lets the trigger above decide; their own change then does the same for those that wait for them.
create function tell_waiting_runs() returns trigger language plpgsql as $$
begin
  if new.state = 'queued' then
    update job_run
       set state = 'queued', attempt = 0, cancel_requested = false, error = null, finished_at = null, not_before = clock_timestamp()
     where after_runs @> array[new.id] and after_runs <> '{}' and state = 'failed' and started_at is null;
  else
    update job_run set state = 'queued' where after_runs @> array[new.id] and after_runs <> '{}' and state = 'queued';
  end if;
  return null;
end $$;

create trigger job_run_ended_in_chain after update of state on job_run for each row
  when (new.state in ('failed', 'cancelled') and old.state is distinct from new.state
        or new.state = 'queued' and old.state in ('failed', 'cancelled'))
  execute function tell_waiting_runs();

-- What is to be done again and again. Rows may be edited by hand: workers take a change over within seconds.
create table schedule (
  id bigint generated always as identity primary key,
  name text not null unique check (length(name) between 1 and 100),
  kind text not null check (kind in ('retrain', 'campaign', 'collect', 'lift', 'retain')),
  model_line_id bigint unique references model_line,
  campaign_id bigint unique references campaign,
  cron text not null check (cron <> ''),
  time_zone text not null default 'UTC',
  enabled boolean not null default true,
  arguments jsonb not null default '{}' check (jsonb_typeof(arguments) = 'object'),
  must_succeed_within interval default '26 hours' check (must_succeed_within > interval '0'),
  created_at timestamptz not null default clock_timestamp(),
  active_since timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  changed_by text not null default session_user,
  version int not null default 1,
  problem text,
  check ((kind = 'retrain') = (model_line_id is not null)),
  check ((kind = 'campaign') = (campaign_id is not null)));

comment on column schedule.cron is 'five fields (minute hour day month weekday), or Quartz''s six with the seconds first';
comment on column schedule.time_zone is 'IANA id';
comment on column schedule.arguments is 'windowDays, maxHours: instead of what follows from the campaigns, and the budget of one attempt';
comment on column schedule.must_succeed_within is 'without a success for so long the schedule counts as late; null: never';
comment on column schedule.active_since is 'dates before it are not missed';
comment on column schedule.version is 'rises with every change that a clock has to take over';
comment on column schedule.problem is 'why no worker can fire it; written by workers';

-- One row an occasion: an occasion fires once, whoever fires it.
create table schedule_firing (
  schedule_id bigint not null references schedule on delete cascade,
  occasion text not null,
  logical_date date not null,
  scheduled_at timestamptz not null,
  fired_at timestamptz not null default clock_timestamp(),
  fired_by text not null,
  runs bigint[] not null default '{}',
  refused boolean not null default false,
  outcome text not null,
  primary key (schedule_id, occasion));

comment on column schedule_firing.occasion is 'the day in the schedule''s time zone; the second in UTC for kinds that fire more often than daily';
comment on column schedule_firing.scheduled_at is 'when the clock was to fire, not when it happened to';
comment on column schedule_firing.outcome is 'what was asked for, or why nothing was';

create index on schedule_firing (schedule_id, fired_at);

create function change_schedule() returns trigger language plpgsql as $$
begin
  if (old.kind, old.model_line_id, old.campaign_id, old.cron, old.time_zone, old.enabled, old.arguments)
     is distinct from (new.kind, new.model_line_id, new.campaign_id, new.cron, new.time_zone, new.enabled, new.arguments)
     and new.version = old.version then
    -- By hand: Pimm itself raises the version.
    new.version := old.version + 1;
    new.changed_by := session_user;
  end if;
  if new.version <> old.version then
    new.changed_at := clock_timestamp();
    new.problem := null;
  end if;
  if (old.cron, old.time_zone) is distinct from (new.cron, new.time_zone) or new.enabled and not old.enabled then
    new.active_since := clock_timestamp();
  end if;
  return new;
end $$;

create trigger schedule_changes before update on schedule for each row execute function change_schedule();

create function notify_pimm_schedule() returns trigger language plpgsql as $$
begin
  perform pg_notify('pimm_schedule', '');
  return null;
end $$;

create trigger schedule_changed after insert or update or delete on schedule for each statement execute function notify_pimm_schedule();

-- Harmless in every installation; retraining and campaigns are added by name.
insert into schedule (name, kind, cron, must_succeed_within, changed_by) values
  ('retention', 'retain', '0 4 * * *', '26 hours', 'pimm'),
  ('outcome files', 'collect', '*/10 * * * *', '2 hours', 'pimm'),
  ('lift reports', 'lift', '0 5 * * *', '26 hours', 'pimm');

-- Who takes runs. A row a process, closed when it stops gracefully, silent when it was killed.
create table worker (
  id bigint generated always as identity primary key,
  name text not null,
  host text not null,
  pid int not null,
  version text not null,
  kinds text[] not null,
  capabilities text[] not null,
  slots int not null,
  schedules boolean not null,
  started_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  stopped_at timestamptz,
  clock_offset interval);

comment on column worker.clock_offset is 'its clock less the database''s, as last measured; a worker whose clock is far off takes no run';

-- Which clock these tables belong to; a worker of another kind refuses to start.
create table scheduler_settings (
  only_row boolean primary key default true check (only_row),
  scheduler text not null,
  format int not null);

comment on table scheduler_settings is 'name of the Quartz scheduler, and the format of its job data: raised when workers of two versions must not share it';

insert into scheduler_settings (scheduler, format) values ('pimm', 1);

-- Quartz.NET 4.7.3's own tables, as in its schema for PostgreSQL. It checks them when it starts and never changes them.

create table qrtz_job_details (
  sched_name text not null,
  job_name text not null,
  job_group text not null,
  description text null,
  job_class_name text not null,
  is_durable bool not null,
  is_nonconcurrent bool not null,
  is_update_data bool not null,
  requests_recovery bool not null,
  job_data bytea null,
  primary key (sched_name,job_name,job_group)
);
create table qrtz_triggers (
  sched_name text not null,
  trigger_name text not null,
  trigger_group text not null,
  job_name text not null,
  job_group text not null,
  description text null,
  next_fire_time bigint null,
  prev_fire_time bigint null,
  priority integer null,
  trigger_state text not null,
  trigger_type text not null,
  start_time bigint not null,
  end_time bigint null,
  calendar_name text null,
  misfire_instr smallint null,
  misfire_orig_fire_time bigint null,
  execution_group varchar(200) null,
  preferred_node varchar(200) null,
  preferred_node_auto bool not null default false,
  retry_policy varchar(250) null,
  retry_attempt integer null,
  continues_trigger_name text null,
  continues_trigger_group text null,
  continuation_condition integer null,
  overlap_policy integer null,
  pause_reason varchar(250) null,
  paused_by varchar(200) null,
  paused_at bigint null,
  misfire_threshold bigint null,
  fixed_delay bool null,
  job_data bytea null,
  primary key (sched_name,trigger_name,trigger_group),
  foreign key (sched_name,job_name,job_group) references qrtz_job_details (sched_name,job_name,job_group)
);
create table qrtz_simple_triggers (
  sched_name text not null,
  trigger_name text not null,
  trigger_group text not null,
  repeat_count bigint not null,
  repeat_interval bigint not null,
  times_triggered bigint not null,
  primary key (sched_name,trigger_name,trigger_group),
  foreign key (sched_name,trigger_name,trigger_group) references qrtz_triggers (sched_name,trigger_name,trigger_group) on delete cascade
);
create table qrtz_cron_triggers (
  sched_name text not null,
  trigger_name text not null,
  trigger_group text not null,
  cron_expression text not null,
  time_zone_id text,
  primary key (sched_name,trigger_name,trigger_group),
  foreign key (sched_name,trigger_name,trigger_group) references qrtz_triggers (sched_name,trigger_name,trigger_group) on delete cascade
);
create table qrtz_simprop_triggers (
  sched_name text not null,
  trigger_name text not null,
  trigger_group text not null,
  str_prop_1 text null,
  str_prop_2 text null,
  str_prop_3 text null,
  int_prop_1 integer null,
  int_prop_2 integer null,
  long_prop_1 bigint null,
  long_prop_2 bigint null,
  dec_prop_1 numeric null,
  dec_prop_2 numeric null,
  bool_prop_1 bool null,
  bool_prop_2 bool null,
  time_zone_id text null,
  primary key (sched_name,trigger_name,trigger_group),
  foreign key (sched_name,trigger_name,trigger_group) references qrtz_triggers (sched_name,trigger_name,trigger_group) on delete cascade
);
create table qrtz_blob_triggers (
  sched_name text not null,
  trigger_name text not null,
  trigger_group text not null,
  blob_data bytea null,
  primary key (sched_name,trigger_name,trigger_group),
  foreign key (sched_name,trigger_name,trigger_group) references qrtz_triggers (sched_name,trigger_name,trigger_group) on delete cascade
);
create table qrtz_calendars (
  sched_name text not null,
  calendar_name text not null,
  calendar bytea not null,
  primary key (sched_name,calendar_name)
);
create table qrtz_paused_trigger_grps (
  sched_name text not null,
  trigger_group text not null,
  pause_reason varchar(250) null,
  paused_by varchar(200) null,
  paused_at bigint null,
  primary key (sched_name,trigger_group)
);
create table qrtz_paused_job_grps (
  sched_name text not null,
  job_group text not null,
  pause_reason varchar(250) null,
  paused_by varchar(200) null,
  paused_at bigint null,
  primary key (sched_name,job_group)
);
create table qrtz_fired_triggers (
  sched_name text not null,
  entry_id text not null,
  trigger_name text not null,
  trigger_group text not null,
  instance_name text not null,
  fired_time bigint not null,
  sched_time bigint not null,
  priority integer not null,
  state text not null,
  job_name text null,
  job_group text null,
  is_nonconcurrent bool not null,
  requests_recovery bool null,
  execution_group varchar(200) null,
  progress integer null,
  progress_message varchar(250) null,
  interrupt_requested_time bigint null,
  primary key (sched_name,entry_id)
);
create table qrtz_scheduler_state (
  sched_name text not null,
  instance_name text not null,
  last_checkin_time bigint not null,
  checkin_interval bigint not null,
  quartz_version varchar(20) null,
  primary key (sched_name,instance_name)
);
create table qrtz_locks (
  sched_name text not null,
  lock_name text not null,
  primary key (sched_name,lock_name)
);
create table qrtz_execution_history (
  sched_name text not null,
  entry_id text not null,
  instance_name text not null,
  job_name text not null,
  job_group text not null,
  trigger_name text not null,
  trigger_group text not null,
  fired_time bigint not null,
  run_time bigint not null,
  succeeded bool not null,
  error_message text null,
  retry_attempt integer not null default 0,
  retry_scheduled bool not null default false,
  execution_log text null,
  result integer null,
  summary text null,
  metrics text null,
  manual bool null,
  fire_instance_id text null,
  job_input text null,
  job_input_too_large bool null,
  primary key (sched_name,entry_id)
);
create table qrtz_misfire_history (
  sched_name text not null,
  entry_id text not null,
  instance_name text not null,
  trigger_name text not null,
  trigger_group text not null,
  job_name text null,
  job_group text null,
  misfire_time bigint not null,
  sched_time bigint null,
  reason integer null,
  primary key (sched_name,entry_id)
);
create table qrtz_job_status (
  sched_name text not null,
  job_group text not null,
  job_name text not null,
  first_fired_time bigint not null,
  last_fired_time bigint not null,
  last_result integer not null,
  last_run_time bigint not null,
  last_instance_name text not null,
  last_entry_id text null,
  last_summary text null,
  last_success_time bigint null,
  last_failure_time bigint null,
  last_failure_message text null,
  consecutive_failures integer not null default 0,
  run_count bigint not null default 0,
  failure_count bigint not null default 0,
  primary key (sched_name,job_group,job_name)
);
create index idx_qrtz_j_g_n on qrtz_job_details (sched_name, job_group, job_name);
create index idx_qrtz_t_j on qrtz_triggers (sched_name, job_name, job_group);
create index idx_qrtz_t_g_n on qrtz_triggers (sched_name, trigger_group, trigger_name);
create index idx_qrtz_t_c on qrtz_triggers (sched_name, calendar_name);
create index idx_qrtz_t_nft_st on qrtz_triggers (sched_name, trigger_state, next_fire_time asc, priority desc, misfire_instr);
create index idx_qrtz_ft_inst_job_req_rcvry on qrtz_fired_triggers (sched_name, instance_name, requests_recovery);
create index idx_qrtz_ft_j_g on qrtz_fired_triggers (sched_name, job_name, job_group);
create index idx_qrtz_ft_t_g on qrtz_fired_triggers (sched_name, trigger_name, trigger_group);
create index idx_qrtz_eh_fired_time on qrtz_execution_history (sched_name, fired_time);
create index idx_qrtz_eh_inst on qrtz_execution_history (sched_name, instance_name);
create index idx_qrtz_mh_misfire_time on qrtz_misfire_history (sched_name, misfire_time);
create index idx_qrtz_mh_inst on qrtz_misfire_history (sched_name, instance_name);
create index idx_qrtz_eh_job_time on qrtz_execution_history (sched_name, job_group, job_name, fired_time);
create index idx_qrtz_eh_fire_inst on qrtz_execution_history (sched_name, fire_instance_id);
create index idx_qrtz_eh_trig_time on qrtz_execution_history (sched_name, trigger_group, trigger_name, fired_time);

-- Two nodes that start at once on empty tables would race for these rows.
insert into qrtz_locks (sched_name, lock_name) values ('pimm', 'TRIGGER_ACCESS'), ('pimm', 'STATE_ACCESS');

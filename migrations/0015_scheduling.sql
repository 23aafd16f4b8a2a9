-- Chains of runs: one that waits is claimable only when all that it waits for have succeeded.

alter table job_run add column after_runs bigint[] not null default '{}';

comment on column job_run.after_runs is 'runs that must have succeeded before this one starts';

create index job_run_after on job_run using gin (after_runs) where after_runs <> '{}';

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

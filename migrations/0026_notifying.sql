-- Webhooks: what happened is told to other systems, at least once, by an outbox that is written in the transaction of what happened.

create table webhook (
    id              bigint generated always as identity primary key,
    url             text not null check (length(url) between 1 and 2000),
    events          text[] not null check (cardinality(events) >= 1),
    secret          bytea not null,
    created_by      text not null,
    created_at      timestamptz not null default clock_timestamp(),
    disabled_at     timestamptz,
    disabled_reason text,
    check ((disabled_at is null) = (disabled_reason is null))
);
comment on column webhook.secret is 'sealed; shown once, when the webhook is added';

create table notice (
    id         bigint generated always as identity primary key,
    message_id text not null unique default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    event      text not null,
    body       text not null,
    created_at timestamptz not null default clock_timestamp()
);
comment on table notice is 'what is told; ids and counts, never an identifier of a customer';
comment on column notice.message_id is 'the webhook-id header: the same for every try and every receiver';
comment on column notice.body is 'JSON to the letter: it is what is signed';

create table webhook_delivery (
    id            bigint generated always as identity primary key,
    webhook_id    bigint not null references webhook on delete cascade,
    notice_id     bigint not null references notice on delete cascade,
    state         text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
    attempt       int not null default 0,
    next_at       timestamptz not null default clock_timestamp(),
    claimed_until timestamptz,
    status        int,
    error         text,
    finished_at   timestamptz,
    unique (webhook_id, notice_id),
    check ((state = 'pending') = (finished_at is null))
);
create index on webhook_delivery (next_at, id) where state = 'pending';
create index on webhook_delivery (notice_id);
comment on column webhook_delivery.attempt is 'tries begun, the one under way included';
comment on column webhook_delivery.claimed_until is 'a worker is at it until then; behind it another one may be';
comment on column webhook_delivery.status is 'of the last answer; null: there was none';

-- In the transaction of what happened; without a webhook that wants it, one look at a small table.
create function add_notice(of_event text, data json) returns void language plpgsql as $$
declare
    told bigint;
begin
    if not exists (select from webhook where disabled_at is null and of_event = any(events)) then
        return;
    end if;
    insert into notice (event, body)
    values (of_event, json_build_object('type', of_event, 'timestamp', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'data', data)::text)
    returning id into told;
    -- One that is being taken away this moment is not told: whoever writes the row must not fail for it.
    insert into webhook_delivery (webhook_id, notice_id)
    select id, told from webhook where disabled_at is null and of_event = any(events) for key share skip locked;
end $$;

-- Arguments: the event (number 0), then what its data holds as name=column. Every way that leads to the row is told, whoever writes it.
create function tell_webhooks() returns trigger language plpgsql as $$
declare
    fields jsonb := to_jsonb(new);
begin
    perform add_notice(tg_argv[0], (
        select json_object_agg(split_part(pair, '=', 1), fields -> split_part(pair, '=', 2) order by ordinal)
          from unnest(tg_argv[1:]) with ordinality named(pair, ordinal)));
    return null;
end $$;

create trigger job_run_failed_is_told after update of state on job_run for each row
    when (new.state = 'failed' and old.state <> 'failed') execute function tell_webhooks('run.failed', 'runId=id', 'kind=kind', 'campaignId=campaign_id', 'attempt=attempt');
create trigger job_run_born_failed_is_told after insert on job_run for each row
    when (new.state = 'failed') execute function tell_webhooks('run.failed', 'runId=id', 'kind=kind', 'campaignId=campaign_id', 'attempt=attempt');

create trigger wave_is_told after insert on wave for each row
    execute function tell_webhooks('campaign.wave_published', 'campaignId=campaign_id', 'waveDate=wave_date', 'impressions=impressions', 'exploration=exploration', 'runId=run_id');

create trigger export_is_told after insert on export for each row
    execute function tell_webhooks('list.exported', 'campaignId=campaign_id', 'waveDate=wave_date', 'arm=arm', 'channel=channel', 'rows=rows', 'runId=run_id');

-- Written anew.
create trigger export_anew_is_told after update of sha256 on export for each row when (new.sha256 <> old.sha256)
    execute function tell_webhooks('list.exported', 'campaignId=campaign_id', 'waveDate=wave_date', 'arm=arm', 'channel=channel', 'rows=rows', 'runId=run_id');

create trigger lift_report_is_told after insert on lift_report for each row
    execute function tell_webhooks('lift.report_ready', 'campaignId=campaign_id', 'reportId=id', 'version=version', 'asOf=as_of', 'runId=run_id');

create trigger import_file_is_told after insert on import_file for each row when (new.state = 'finished')
    execute function tell_webhooks('import.finished', 'importFileId=id', 'audienceId=audience_id', 'kind=kind', 'received=received', 'created=created', 'updated=updated', 'skipped=skipped', 'quarantined=quarantined', 'runId=run_id');
create trigger import_file_finished_is_told after update of state on import_file for each row when (new.state = 'finished' and old.state <> 'finished')
    execute function tell_webhooks('import.finished', 'importFileId=id', 'audienceId=audience_id', 'kind=kind', 'received=received', 'created=created', 'updated=updated', 'skipped=skipped', 'quarantined=quarantined', 'runId=run_id');

create trigger import_refusal_is_told after insert on import_refusal for each row
    execute function tell_webhooks('import.refused', 'runId=run_id');

create trigger promotion_is_told after insert on promotion for each row
    execute function tell_webhooks('model.promoted', 'modelLineId=model_line_id', 'modelVersionId=model_version_id', 'promotionId=id', 'judgementId=judgement_id', 'rolledBackId=rolled_back_id');

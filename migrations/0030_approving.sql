-- Who approved what, who changed a draft, and when a campaign was paused or stopped. What follows from these rows, a campaign's
-- life, is computed by a view and stored nowhere.

create table campaign_edit (
    id                bigint generated always as identity primary key,
    campaign_id       bigint      not null references campaign,
    definition_sha256 bytea       not null check (length(definition_sha256) = 32),
    edited_by         text        not null,
    edited_at         timestamptz not null
);
create index on campaign_edit (campaign_id, id);
comment on table campaign_edit is 'append-only: changes of drafts; a submission of a definition with another hash is void';
comment on column campaign_edit.definition_sha256 is 'of the definition after the change';

create table approval_decision (
    id            bigint generated always as identity primary key,
    submission_id bigint      not null references campaign_submission,
    decision      text        not null check (decision in ('approved', 'changes requested', 'withdrawn')),
    decided_by    text        not null,
    decided_at    timestamptz not null,
    comment       text check (length(comment) <= 2000),
    record        text        not null check (record::jsonb is not null)
);
create index on approval_decision (submission_id, id);
comment on table approval_decision is 'append-only: what became of submissions; of several decisions on one the newest counts';
comment on column approval_decision.record is 'what was decided and what was seen then, as JSON, byte by byte as it was recorded';

create table campaign_event (
    id          bigint generated always as identity primary key,
    campaign_id bigint      not null references campaign,
    event       text        not null check (event in ('paused', 'resumed', 'stopped')),
    caused_by   text        not null,
    caused_at   timestamptz not null,
    reason      text check (length(reason) <= 2000)
);
create index on campaign_event (campaign_id, id);
create unique index campaign_stops_once on campaign_event (campaign_id) where event = 'stopped';
comment on table campaign_event is 'append-only: pauses, resumptions and the stop, which is final';

create function approval_row_stays() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed or deleted', tg_table_name using errcode = '42501';
end $$;
create trigger campaign_edit_stays before update or delete on campaign_edit for each row execute function approval_row_stays();
create trigger approval_decision_stays before update or delete on approval_decision for each row execute function approval_row_stays();
create trigger campaign_event_stays before update or delete on campaign_event for each row execute function approval_row_stays();
alter table campaign_edit enable always trigger campaign_edit_stays;
alter table approval_decision enable always trigger approval_decision_stays;
alter table campaign_event enable always trigger campaign_event_stays;

-- One person is one person through whichever door: user:ann, cli:ann and ann are the same, and a key is whoever made it.
create function person_of(actor text) returns text language sql stable as $$
    select lower(regexp_replace(coalesce((select k.created_by from api_key k where actor = 'key:' || k.prefix), actor), '^(user|cli):', ''))
$$;

create view campaign_author as
select c.id as campaign_id, 'creator' as part, person_of(c.created_by) as person from campaign c
union all
select e.campaign_id, 'last editor', person_of(e.edited_by)
  from (select distinct on (campaign_id) campaign_id, edited_by from campaign_edit order by campaign_id, id desc) e
union all
select s.campaign_id, 'submitter', person_of(s.submitted_by)
  from (select distinct on (campaign_id) campaign_id, submitted_by from campaign_submission order by campaign_id, id desc) s;

-- Whatever the program asks: what somebody made is approved by somebody else.
create function approval_needs_another() returns trigger language plpgsql as $$
declare
    mine record;
begin
    select a.part into mine from campaign_author a join campaign_submission s on s.campaign_id = a.campaign_id
     where s.id = new.submission_id and a.person = person_of(new.decided_by) limit 1;
    if found then
        raise exception '% is the % of this campaign and cannot decide about it: ask somebody else', new.decided_by, mine.part
            using errcode = '42501', constraint = 'approval_needs_another';
    end if;
    return new;
end $$;
create trigger approval_needs_another before insert on approval_decision for each row when (new.decision <> 'withdrawn') execute function approval_needs_another();

create view campaign_life as
with facts as (
    select c.id as campaign_id, c.starts_on, c.days,
           s.id as submission_id, s.definition_sha256, s.definition::text as definition, s.submitted_by, s.submitted_at, s.comment as submitted_comment,
           d.id as decision_id, d.decision, d.decided_by, d.decided_at, d.comment as decided_comment,
           s.id is not null and e.definition_sha256 is not null and e.definition_sha256 <> s.definition_sha256 as void,
           p.event as pause, p.caused_by as paused_by, p.caused_at as paused_at,
           x.caused_by as stopped_by, x.caused_at as stopped_at, x.reason as stop_reason,
           exists (select from wave w where w.campaign_id = c.id) as has_waves,
           (select count(*) from export l where l.campaign_id = c.id and l.wave_date = c.starts_on + c.days - 1 and l.channel = c.channel) = 2
               or now() >= (c.starts_on + c.days)::timestamp at time zone c.time_zone as is_over
      from campaign c
      left join lateral (select * from campaign_submission n where n.campaign_id = c.id order by n.id desc limit 1) s on true
      left join lateral (select * from approval_decision n where n.submission_id = s.id order by n.id desc limit 1) d on true
      left join lateral (select * from campaign_edit n where n.campaign_id = c.id order by n.id desc limit 1) e on true
      left join lateral (select * from campaign_event n where n.campaign_id = c.id and n.event <> 'stopped' order by n.id desc limit 1) p on p.event = 'paused'
      left join campaign_event x on x.campaign_id = c.id and x.event = 'stopped'),
approvals as (
    select f.*, case when f.submission_id is null then 'none' when f.void then 'void' else coalesce(f.decision, 'in review') end as approval from facts f)
select a.campaign_id,
       case when a.stopped_at is not null then 'stopped'
            when a.has_waves and a.is_over then 'completed'
            when a.pause is not null then 'paused'
            when a.has_waves then 'running'
            when a.approval in ('in review', 'changes requested') then a.approval
            when a.approval = 'approved' and (
                exists (select from schedule h where h.campaign_id = a.campaign_id and h.enabled)
                or exists (select from job_run r where r.campaign_id = a.campaign_id and r.kind = 'allocate' and r.state in ('queued', 'running'))) then 'scheduled'
            when a.approval = 'approved' then 'approved'
            else 'draft' end as state,
       a.approval, a.submission_id, a.definition_sha256, a.definition, a.submitted_by, a.submitted_at, a.submitted_comment,
       a.decision_id, a.decided_by, a.decided_at, a.decided_comment, a.paused_by, a.paused_at, a.stopped_by, a.stopped_at, a.stop_reason
  from approvals a;

create function tell_news_of_campaign() returns trigger language plpgsql as $$
begin
    perform pg_notify('pimm_news', 'campaign/' || new.campaign_id);
    return null;
end $$;
create trigger campaign_edit_is_news after insert on campaign_edit for each row execute function tell_news_of_campaign();
create trigger campaign_submission_is_news after insert on campaign_submission for each row execute function tell_news_of_campaign();
create trigger campaign_event_is_news after insert on campaign_event for each row execute function tell_news_of_campaign();

create function tell_news_of_decision() returns trigger language plpgsql as $$
begin
    perform pg_notify('pimm_news', 'campaign/' || s.campaign_id) from campaign_submission s where s.id = new.submission_id;
    return null;
end $$;
create trigger approval_decision_is_news after insert on approval_decision for each row execute function tell_news_of_decision();

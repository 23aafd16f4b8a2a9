-- What a campaign is measured by, and lift reports as numbered versions that never change.

alter table campaign
    add column segments   text[] not null default '{}' check (cardinality(segments) <= 5),
    add column guardrails jsonb not null default '[]' check (jsonb_typeof(guardrails) = 'array');
comment on column campaign.segments is 'attributes of the audience, control-score or treatment-score, by whose levels the lift report is broken down';
comment on column campaign.guardrails is '[{"metric": …, "margin": relative loss that is accepted}]';

-- Chosen before anybody sees a result, like the rest of the definition.
create trigger campaign_measures_are_frozen before update on campaign for each row
    when ((old.segments, old.guardrails, old.planned_conversions) is distinct from (new.segments, new.guardrails, new.planned_conversions)) execute function campaign_is_frozen();

-- json keeps a report's text exactly as it was printed, jsonb would not.
alter table lift_report
    alter column report type json using report::json,
    add column version     integer,
    add column computed_by text,
    add column page        text;
update lift_report l set version = n.version
  from (select id, row_number() over (partition by campaign_id order by id) as version from lift_report) n where n.id = l.id;
alter table lift_report alter column version set not null, add unique (campaign_id, version);
comment on column lift_report.computed_by is 'who asked for the report; null where nobody said so';
comment on column lift_report.page is 'the report as text, as it was printed then';

comment on table lift_report is 'append-only: versions of a campaign''s report, numbered from 1';

create function lift_report_is_frozen() returns trigger language plpgsql as $$
begin
    raise exception 'lift reports are never changed: compute a new version' using errcode = '42501';
end $$;
create trigger lift_report_is_frozen before update on lift_report for each row execute function lift_report_is_frozen();

-- What arms, plans and reports rest on: the application adds rows and never alters one.
comment on table scoring is 'append-only: a campaign''s customers are scored again as another scoring';
comment on table score is 'append-only: both models'' probabilities, frozen';
comment on table wave is 'append-only: a day that was published stays as it was';
comment on table wave_plan is 'append-only: what both policies plan for both arms; rows with policy = arm are the wave itself, the others its shadow list';

-- The pages on models, audiences and privacy hear of what changed beside runs.

create function tell_rooms() returns trigger language plpgsql as $$
begin
    perform pg_notify('pimm_news', tg_argv[0]);
    return null;
end $$;

create trigger promotion_news after insert on promotion for each statement execute function tell_rooms('models');
create trigger model_version_news after insert or update of weights_removed_at on model_version for each statement execute function tell_rooms('models');
create trigger audience_news after insert on audience for each statement execute function tell_rooms('audiences');
create trigger audience_version_news after insert or delete on audience_version for each statement execute function tell_rooms('audiences');
create trigger suppression_news after insert on suppression for each statement execute function tell_rooms('privacy');
create trigger erasure_news after insert or update on erasure for each statement execute function tell_rooms('privacy');

-- Which campaigns a version scored is asked by version.
create index on scoring (control_version_id);
create index on scoring (treatment_version_id);

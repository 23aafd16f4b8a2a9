using Npgsql;

namespace Pimm.Web.Tests;

/// <param name="Name">of its pictures</param>
/// <param name="Address">with names of <see cref="Known"/> in braces</param>
/// <param name="Says">what a person finds there</param>
internal sealed record DocumentedPage(string Name, string Title, string Address, string Says)
{
    /// <summary>Reached by doing something, not by its address.</summary>
    public bool OnTheWay { get; init; }

    /// <summary>A table or view without which it has nothing to show; null: it reads none, or another page stands for it.</summary>
    public string? Reads { get; init; }

    /// <summary>A list that a new installation has nothing for.</summary>
    public bool BeginsEmpty { get; init; }

    /// <summary>Every page of the house, in the order of docs/pages.md.</summary>
    public static IReadOnlyList<DocumentedPage> All { get; } =
    [
        new("sign-in", "Sign in", "/sign-in", "Name and password, and a code where two-factor is on. Five wrong ones lock the account for a quarter of an hour."),
        new("home", "Home", "/", "What needs you, the running campaigns, last night's pipeline, the champions.") { Reads = "campaign" },
        new("campaigns", "Campaigns", "/campaigns", "Every campaign with its state, dates, models and lift; filters and sort are in the address.") { Reads = "campaign", BeginsEmpty = true },
        new("campaign-new", "The wizard", "/campaigns/new", "Six steps from objective to review; the draft is kept as you type, and the counts come from the export's own query.") { Reads = "audience" },
        new("campaign", "Campaign: overview", "/campaigns/{finished}", "The verdict in words, the headline number with its interval, delivered against planned, and what is next.") { Reads = "campaign" },
        new("campaign-audience", "Campaign: audience", "/campaigns/{finished}/audience", "Who is eligible and who left at which step, frozen at launch."),
        new("campaign-split", "Campaign: split and balance", "/campaigns/{finished}/split", "How alike the two arms are, attribute by attribute, before and after the split was chosen."),
        new("campaign-waves", "Campaign: waves and lists", "/campaigns/{finished}/waves", "Planned, exported, held back and delivered by wave and arm; the lists with their counts, hashes and downloads.") { Reads = "wave" },
        new("campaign-results", "Campaign: results", "/campaigns/{finished}/results", "Verdict, health, the five numbers on shared scales, funnel by arm, lift by day with its always-valid band, segments.") { Reads = "lift_report" },
        new("campaign-versions", "Campaign: versions", "/campaigns/{finished}/versions", "How the definition changed, and which model versions it used."),
        new("campaign-activity", "Campaign: activity", "/campaigns/{finished}/activity", "Who did what, and every run.") { Reads = "audit_event" },
        new("campaign-running", "A running campaign", "/campaigns/{running}", "Day n of m; open waves are grey and decide nothing yet."),
        new("approvals", "Approvals", "/approvals", "What waits for a second person, the soonest first.") { Reads = "campaign", BeginsEmpty = true },
        new("approval", "One approval", "/approvals/{waiting}", "Everything the second person must see: definition, counts, checks, difference to what was approved before.") { Reads = "campaign" },
        new("portfolio", "Portfolio", "/portfolio", "All campaigns side by side: what was delivered, and what the treatment model was worth.") { Reads = "lift_report", BeginsEmpty = true },
        new("models", "Models", "/models", "Champion first, metrics over versions, promote and roll back.") { Reads = "model_line", BeginsEmpty = true },
        new("model-version", "A model version", "/models/versions/{version}", "Metrics by stage, calibration, gain, lineage, model card.") { Reads = "model_version" },
        new("model-compare", "Comparing versions", "/models/compare?versions={version},{otherVersion}", "Versions side by side on the same rows.") { Reads = "model_version" },
        new("audiences", "Audiences", "/audiences", "The sets of customers and their sizes.") { Reads = "audience", BeginsEmpty = true },
        new("audience", "An audience", "/audiences/{audience}", "Columns with type, role and distribution, versions, and where it is used.") { Reads = "audience" },
        new("imports", "Imports", "/imports", "Every file with its counts; bad rows to download, mend and send again; undo.") { Reads = "import_file", BeginsEmpty = true },
        new("import-new", "A new import: upload", "/imports/new", "The file goes to the server as it is read, and says at once when it was here before."),
        new("import-map", "A new import: map", "/imports/new/UPLOAD", "What was detected, and what each column is; known headers map themselves.") { OnTheWay = true },
        new("import-check", "A new import: check", "/imports/new/UPLOAD/DRAFT", "Every row is checked before anything is written; the counts add up.") { OnTheWay = true },
        new("import-result", "A finished import", "/imports/ID", "Received = created + updated + skipped + quarantined; the bad rows with their reasons; undo.") { OnTheWay = true },
        new("privacy", "Privacy", "/privacy", "Who is not contacted any more, consent, and erasures with their state in every store.") { Reads = "suppression_now" },
        new("runs", "Runs", "/runs", "What is under way, what failed and why.") { Reads = "job_run", BeginsEmpty = true },
        new("run", "A run that failed", "/runs/{failedRun}", "Its cause in words, its log, its arguments, cancel and retry.") { Reads = "job_run" },
        new("schedules", "Schedules", "/schedules", "What happens tonight, the next five times, missed nights.") { Reads = "schedule" },
        new("schedule", "One schedule", "/schedules/{schedule}", "When it fires, in its own time zone, what it asks for, and its last times."),
        new("notices", "Notices", "/notices", "What a person has to know: failed nights, alarms, approvals that wait; told once, and gone when it is over.") { Reads = "attention", BeginsEmpty = true },
        new("health", "Health", "/health", "What an operator has to look at, with what to do.") { Reads = "worker" },
        new("audit", "Audit log", "/audit", "Who did what, before and after; verified by its hash chain.") { Reads = "audit_event" },
        new("users", "Users", "/users", "People, roles, locks, two-factor.") { Reads = "app_user" },
        new("user", "A user", "/users/{user}", "Role, lock, second step, and where the person is signed in."),
        new("settings", "Settings", "/settings", "What is set and where it comes from, API keys, webhooks, retention."),
        new("webhook", "A webhook", "/settings/webhooks/{webhook}", "What it is told, whether it answered, and every delivery."),
        new("account", "Account", "/account", "Your password, two-factor, sign out everywhere."),
        new("demo", "Demo", "/demo", "The simulated worlds, the next night now, start over.") { Reads = "campaign", BeginsEmpty = true },
        new("help", "Help", "/help", "Every statistical word that a page uses, in plain words."),
    ];

    private static readonly Dictionary<string, string> Known = new(StringComparer.Ordinal)
    {
        ["finished"] = "select c.id from campaign c join lift_report l on l.campaign_id = c.id join audience a on a.id = c.audience_id order by a.name like '%base%' desc, c.id limit 1",
        ["running"] = "select c.id from campaign c where exists (select from wave w where w.campaign_id = c.id) order by c.starts_on desc limit 1",
        ["waiting"] = "select campaign_id from campaign_submission order by id desc limit 1",
        ["version"] = "select v.id from model_version v join model_line l on l.id = v.model_line_id order by l.network = 'pimm' desc, v.id limit 1",
        ["otherVersion"] = "select v.id from model_version v join model_line l on l.id = v.model_line_id order by l.network = 'pimm' desc, v.id offset 1 limit 1",
        ["audience"] = "select id from audience order by id limit 1",
        ["schedule"] = "select id from schedule order by id limit 1",
        ["user"] = "select id from app_user order by id limit 1",
        ["webhook"] = "select id from webhook order by id limit 1",
        ["failedRun"] = "select id from job_run order by state = 'failed' desc, id limit 1",
    };

    /// <returns>the address with its ids; null where the installation has no such row</returns>
    public async Task<string?> AddressInAsync(NpgsqlDataSource database)
    {
        var address = Address;
        foreach (var (name, sql) in Known.Where(known => Address.Contains($"{{{known.Key}}}", StringComparison.Ordinal)))
        {
            await using var command = database.CreateCommand(sql);
            if (await command.ExecuteScalarAsync() is not { } id)
            {
                return null;
            }
            address = address.Replace($"{{{name}}}", $"{id}", StringComparison.Ordinal);
        }
        return address;
    }
}

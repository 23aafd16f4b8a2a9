using Dapper;
using Npgsql;
using Pimm.Core.Auditing;

namespace Pimm.Core.Operating;

/// <summary>What was written down and what was told: is the audit log as it was written, does everybody hear of what happens.</summary>
public sealed class RecordsHealth(NpgsqlDataSource database, AuditVerifier audit, TimeProvider time)
{
    /// <summary>A look takes a moment: of a longer log the rows behind the last verification, and of those the newest.</summary>
    internal const int MostEntries = 20_000;

    private const int LongSilentHours = 48;

    public async Task<HealthFinding> AuditAsync(CancellationToken cancellationToken)
    {
        var look = await audit.LookAsync(MostEntries, cancellationToken);
        if (look.Verdict.Break is { } sentence)
            return HealthFinding.Failing("audit", $"{sentence} Keep the database as it is, compare it with a backup, and see docs/audit.md.");
        if (look.Verdict.Head is not { } head)
            return HealthFinding.Ok("audit", "nothing is recorded yet");
        if (look.Noted is { } last && time.GetUtcNow() - last.At > TimeSpan.FromHours(LongSilentHours))
            return HealthFinding.Warning("audit",
                $"the whole log was last verified on {last.At:yyyy-MM-dd HH:mm} UTC, which every night does: run ./pimm audit verify, and look at ./pimm runs list --kind retain.");
        return HealthFinding.Ok("audit", look.From == 1
            ? $"{head.Id} entries, chain intact"
            : look.From == look.Noted?.Id
                ? $"{head.Id} entries, chain intact from {look.From} on, which the night of {look.Noted.At:yyyy-MM-dd} had verified"
                : $"{head.Id} entries, the newest {look.Verdict.Entries} are intact: ./pimm audit verify looks at all");
    }

    public async Task<HealthFinding> WebhooksAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var told = await connection.QuerySingleAsync<TellingState>(new CommandDefinition(SelectTelling, cancellationToken: cancellationToken));
        var off = told.Disabled > 0 ? $", {told.Disabled} of them disabled" : "";
        return told.Dead > 0
            ? HealthFinding.Warning("webhooks", $"{told.Dead} notices to {told.Unheard} webhooks were given up within 7 days: look at ./pimm webhooks deliveries, then ask the API for what they missed.")
            : HealthFinding.Ok("webhooks", told.Webhooks == 0 ? "none" : $"{told.Webhooks}{off}; none was given up within 7 days");
    }

    /// <param name="Dead">deliveries that were given up lately</param>
    /// <param name="Unheard">webhooks that they were for</param>
    internal sealed record TellingState(int Webhooks, int Disabled, int Dead, int Unheard);

    private const string SelectTelling =
        """
        select (select count(*) from webhook)::int as webhooks, (select count(*) from webhook where disabled_at is not null)::int as disabled,
               count(*)::int as dead, count(distinct webhook_id)::int as unheard
          from webhook_delivery where state = 'dead' and finished_at > clock_timestamp() - interval '7 days'
        """;
}

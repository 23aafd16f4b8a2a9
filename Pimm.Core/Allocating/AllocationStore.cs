using System.Globalization;
using Dapper;
using Npgsql;
using Pimm.Core.Database;

namespace Pimm.Core.Allocating;

/// <summary>The split of a campaign's eligible customers, drawn once.</summary>
/// <param name="Winner">index of the chosen candidate salt</param>
/// <param name="Imbalances">Mahalanobis imbalance of every candidate</param>
/// <param name="Balance">a <see cref="SplitBalance"/> as JSON</param>
public sealed record Allocation(
    long CampaignId, long ScoringId, string Method, int Winner, double[] Imbalances, string Balance, long ControlCustomers,
    long TreatmentCustomers, DateTimeOffset AllocatedAt)
{
    /// <summary>What to say where the arms have different sizes; null where they have not. Equal impressions are then not equal doses.</summary>
    public string? UnequalArms => ControlCustomers == TreatmentCustomers ? null : string.Create(CultureInfo.InvariantCulture,
        $"The arms have {ControlCustomers:N0} and {TreatmentCustomers:N0} eligible customers: the same number of impressions is a larger share of the {(ControlCustomers < TreatmentCustomers ? "control" : "treatment")}.");
}

/// <summary>A customer's arm (0 control, 1 treatment) and sticky hold-back flag.</summary>
public readonly record struct Assignment(Guid Customer, byte Arm, bool Flagged);

/// <summary>One published day.</summary>
/// <param name="Impressions">exported in each arm</param>
/// <param name="ControlCutoff">lowest score exported by the control arm's own ranking; null when nothing was ranked</param>
/// <param name="ImpressionsAt">the instant from which the wave's windows count</param>
public sealed record Wave(
    long CampaignId, DateOnly WaveDate, long ScoringId, int Impressions, int Exploration, float? ControlCutoff,
    float? TreatmentCutoff, DateTimeOffset ImpressionsAt, DateTimeOffset PublishedAt);

/// <summary>What one policy plans for one customer on one day; the wave itself where policy equals arm.</summary>
/// <param name="Action">1 exported, 2 held back</param>
/// <param name="Rank">1 is the highest score among the arm's customers still in the policy's race; null for exploration</param>
public readonly record struct PlanRow(
    Guid Customer, DateOnly WaveDate, byte Policy, byte Arm, byte Action, bool Exploration, int? Rank, float? Propensity);

/// <summary>Splits, assignments, waves and plans.</summary>
public sealed class AllocationStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string SelectAllocation =
        """
        select campaign_id, scoring_id, method, winner, imbalances, balance::text, control_customers, treatment_customers, allocated_at
          from allocation where campaign_id = @campaignId
        """;

    private const string SelectWaves =
        """
        select campaign_id, wave_date, scoring_id, impressions, exploration, control_cutoff, treatment_cutoff, impressions_at, published_at
          from wave where campaign_id = @campaignId order by wave_date
        """;

    // Waves build on each other and a split is drawn once: whoever adds one waits for whoever is adding one, and then looks again.
    private const string LockCampaign = "select id from campaign where id = @CampaignId for update";

    private const string SelectScoringOfSplit = "select scoring_id from allocation where campaign_id = @CampaignId";

    private const string SelectNewestWave = "select max(wave_date) from wave where campaign_id = @CampaignId";

    private const string InsertAllocation =
        """
        insert into allocation(campaign_id, scoring_id, method, winner, imbalances, balance, control_customers, treatment_customers, run_id, allocated_at)
        values (@CampaignId, @ScoringId, @Method, @Winner, @Imbalances, @Balance::jsonb, @ControlCustomers, @TreatmentCustomers, @runId, @at)
        """;

    private const string InsertWave =
        """
        insert into wave(campaign_id, wave_date, scoring_id, impressions, exploration, control_cutoff, treatment_cutoff, impressions_at, run_id, published_at)
        values (@CampaignId, @WaveDate, @ScoringId, @Impressions, @Exploration, @ControlCutoff, @TreatmentCutoff, @ImpressionsAt, @runId, @at)
        """;

    public async Task<Allocation?> FindAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Allocation>(new CommandDefinition(SelectAllocation, new { campaignId }, cancellationToken: cancellationToken));
    }

    public async Task<IReadOnlyList<Wave>> WavesAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<Wave>(new CommandDefinition(SelectWaves, new { campaignId }, cancellationToken: cancellationToken))];
    }

    /// <summary>Ordered by customer.</summary>
    public async Task<IReadOnlyList<Assignment>> AssignmentsAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var assignments = new List<Assignment>();
        await BulkCopy.ReadAllAsync(
            connection, $"(select customer, arm, flagged from assignment where campaign_id = {campaignId} order by customer)",
            static export => new Assignment(export.ReadGuid(), (byte)export.ReadInt16(), export.ReadBoolean()), assignments.Add, cancellationToken);
        return assignments;
    }

    /// <summary>Every plan of the campaign so far, both policies in both arms, by date and customer.</summary>
    public async Task<IReadOnlyList<PlanRow>> PlansAsync(long campaignId, CancellationToken cancellationToken = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var plans = new RowList<PlanRow>();
        await BulkCopy.ReadAllAsync(
            connection,
            $"(select customer, wave_date, policy, arm, action, exploration, rank, propensity from wave_plan where campaign_id = {campaignId} order by wave_date, customer, policy)",
            ReadPlan, plans.Add, cancellationToken);
        return plans;
    }

    /// <summary>
    /// Saves the split inside the caller's transaction. The first write wins: the same split, written by another run meanwhile,
    /// stays as it is, and a split of other scores is refused.
    /// </summary>
    /// <returns>whether it was written now</returns>
    /// <exception cref="InputException">the campaign was split meanwhile, out of another scoring</exception>
    public async Task<bool> AddSplitAsync(NpgsqlConnection connection, Allocation allocation, IReadOnlyList<Assignment> assignments, long runId, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(LockCampaign, new { allocation.CampaignId });
        if (await connection.ExecuteScalarAsync<long?>(SelectScoringOfSplit, new { allocation.CampaignId }) is { } scoring)
        {
            return scoring == allocation.ScoringId ? false : throw new InputException(
                $"Another run split the campaign's customers meanwhile, out of scoring {scoring} instead of {allocation.ScoringId}: ask for the wave again, it then uses that split.");
        }
        await connection.ExecuteAsync(InsertAllocation, new
        {
            allocation.CampaignId, allocation.ScoringId, allocation.Method, allocation.Winner, allocation.Imbalances,
            allocation.Balance, allocation.ControlCustomers, allocation.TreatmentCustomers, runId, at = time.GetUtcNow(),
        });
        await BulkCopy.WriteAsync(connection, "assignment (customer, campaign_id, arm, flagged)", assignments, (import, assignment) =>
        {
            import.Write(assignment.Customer);
            import.Write(allocation.CampaignId);
            import.Write((short)assignment.Arm);
            import.Write(assignment.Flagged);
        }, cancellationToken);
        return true;
    }

    /// <summary>Saves a wave with its plans inside the caller's transaction: for both arms or for neither.</summary>
    /// <param name="expectedNewest">the newest wave that the plans were made after; null when this is the first</param>
    /// <exception cref="InputException">another wave was saved meanwhile, or the arms' quotas differ</exception>
    public async Task AddWaveAsync(
        NpgsqlConnection connection, Wave wave, IReadOnlyList<PlanRow> plans, DateOnly? expectedNewest, long runId, CancellationToken cancellationToken)
    {
        RefuseUnequalQuotas(wave, plans);
        await connection.ExecuteAsync(LockCampaign, new { wave.CampaignId });
        if (await connection.ExecuteScalarAsync<DateOnly?>(SelectNewestWave, new { wave.CampaignId }) is { } newest && newest != expectedNewest)
        {
            throw new InputException($"Another run selected the wave of {newest:yyyy-MM-dd} meanwhile: ask for the next one again.");
        }
        await connection.ExecuteAsync(InsertWave, new
        {
            wave.CampaignId, wave.WaveDate, wave.ScoringId, wave.Impressions, wave.Exploration, wave.ControlCutoff,
            wave.TreatmentCutoff, wave.ImpressionsAt, runId, at = time.GetUtcNow(),
        });
        await BulkCopy.WriteAsync(
            connection, "wave_plan (customer, campaign_id, wave_date, policy, arm, action, exploration, rank, propensity)", plans,
            (import, plan) => WritePlan(import, wave.CampaignId, plan), cancellationToken);
    }

    private static void RefuseUnequalQuotas(Wave wave, IReadOnlyList<PlanRow> plans)
    {
        var (control, treatment) = (Exported(0), Exported(1));
        if (control != wave.Impressions || treatment != wave.Impressions)
        {
            throw new InputException(
                $"The wave of {wave.WaveDate:yyyy-MM-dd} exports {control} control and {treatment} treatment customers where each arm gets {wave.Impressions}: the arms are only comparable at equal impressions, so nothing was saved.");
        }

        int Exported(byte arm) => plans.Count(p => p.Arm == arm && p.Policy == arm && p.Action == 1);
    }

    private static PlanRow ReadPlan(CopyReader export) => new(
        export.ReadGuid(), export.ReadDate(), (byte)export.ReadInt16(), (byte)export.ReadInt16(), (byte)export.ReadInt16(), export.ReadBoolean(),
        export.ReadInt32OrNull(), export.ReadSingleOrNull());

    private static void WritePlan(CopyWriter import, long campaignId, PlanRow plan)
    {
        import.Write(plan.Customer);
        import.Write(campaignId);
        import.Write(plan.WaveDate);
        import.Write((short)plan.Policy);
        import.Write((short)plan.Arm);
        import.Write((short)plan.Action);
        import.Write(plan.Exploration);
        import.Write(plan.Rank);
        import.Write(plan.Propensity);
    }
}

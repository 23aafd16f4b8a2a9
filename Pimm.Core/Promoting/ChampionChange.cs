using Npgsql;
using Pimm.Core.Importing;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>A line's champion after somebody changed it.</summary>
/// <param name="Before">the number of the version that was champion; null where there was none</param>
public sealed record ChangedChampion(ModelLine Line, ModelVersion Champion, int? Before);

/// <summary>What a person does with champions: promote a version, roll back. Neither leaves a line without a model that loads.</summary>
public sealed class ChampionChange(NpgsqlDataSource database, ModelStore models, AudienceStore audiences, PromotionStore promotions)
{
    /// <param name="actor">for the audit log; null: the command line</param>
    /// <exception cref="InputException">the version is the champion, or its weights cannot be used</exception>
    public async Task<ChangedChampion> PromoteAsync(long versionId, string by, string reason, CancellationToken cancellationToken, string? actor = null)
    {
        var version = await models.GetVersionAsync(versionId, cancellationToken);
        var line = await models.GetLineAsync(version.ModelLineId, cancellationToken);
        await RequireLoadsAsync(line, version, cancellationToken);
        var before = await ChangeAsync(line, async (connection, ledger) =>
        {
            if (ledger.Champion?.ModelVersionId == version.Id)
            {
                throw new InputException($"Version {version.Version} is the champion of \"{line.Name}\" already.");
            }

            await models.PromoteAsync(connection, version.Id, by, reason, actor: actor);
        }, cancellationToken);
        return new(line, version, before);
    }

    /// <summary>Back to the champion before; again goes one further back. The version that is taken out is not promoted again by night.</summary>
    /// <param name="actor">for the audit log; null: the command line</param>
    /// <exception cref="InputException">there was none before, or its weights cannot be used</exception>
    public async Task<ChangedChampion> RollBackAsync(long lineId, string by, string reason, CancellationToken cancellationToken, string? actor = null)
    {
        var line = await models.GetLineAsync(lineId, cancellationToken);
        var version = await models.GetVersionAsync(TargetOf(line, await promotions.LedgerAsync(lineId, cancellationToken)).ModelVersionId, cancellationToken);
        await RequireLoadsAsync(line, version, cancellationToken);
        var before = await ChangeAsync(line, async (connection, ledger) =>
        {
            if (TargetOf(line, ledger).ModelVersionId != version.Id)
            {
                throw new InputException($"The champion of \"{line.Name}\" was changed by somebody else just now: look at it with `pimm models list --line {line.Id}` and roll back again.");
            }

            await models.PromoteAsync(connection, version.Id, by, reason, rolledBackId: ledger.Champion!.ModelVersionId, actor: actor);
        }, cancellationToken);
        return new(line, version, before);
    }

    private static Promotion TargetOf(ModelLine line, PromotionLedger ledger) => ledger switch
    {
        { Champion: null } => throw new InputException($"The line \"{line.Name}\" has no champion yet: train it first."),
        { Before: null, Champion: var only } => throw new InputException(
            $"The line \"{line.Name}\" has had no champion before version {only.Version}: promote another version with `pimm models promote`."),
        { Before: var before } => before,
    };

    private async Task RequireLoadsAsync(ModelLine line, ModelVersion version, CancellationToken cancellationToken)
    {
        var stored = await models.WeightsAsync(version.Id, cancellationToken);
        if (version.NewestImpression is null && stored.Weights is null)
        {
            // A line that learns nothing.
            return;
        }

        new VersionPredictor(await audiences.GetAsync(line.AudienceId, cancellationToken), version, stored).Dispose();
    }

    /// <returns>the number of the champion before</returns>
    private async Task<int?> ChangeAsync(ModelLine line, Func<NpgsqlConnection, PromotionLedger, Task> change, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ModelStore.LockAsync(connection, line.Id);
        var ledger = await PromotionStore.LedgerAsync(connection, line.Id);
        await change(connection, ledger);
        await transaction.CommitAsync(cancellationToken);
        return ledger.Champion?.Version;
    }
}

using Npgsql;
using Pimm.Core.Importing;

namespace Pimm.Core.Outcomes;

/// <summary>An outcome file: its events wait together and land in one transaction.</summary>
internal sealed class OutcomeIntake(Audience audience, string source, FunnelOrder order, IntakeOptions options, StagedOutcomeStore staged, OutcomeStore outcomes)
    : FileIntake(audience, ImportOutcomes.JobKind, options)
{
    public override FileRows Open(DelimitedReader file, ImportProgress progress) => new OutcomeRows(Audience, file, progress.Id, Options.Mapping);

    public override async Task<bool> IsIntactAsync(NpgsqlConnection connection, ImportProgress progress) =>
        await staged.CountWaitingAsync(connection, progress.Id) == progress.Written;

    public override Task RemoveAsync(NpgsqlConnection connection, ImportProgress progress) => staged.RemoveWaitingAsync(connection, progress.Id);

    public override async Task<ImportCounts> LandAsync(NpgsqlConnection connection, ImportProgress progress, List<ImportProblem> problems)
    {
        if (!await IsIntactAsync(connection, progress))
        {
            throw new InvalidOperationException($"Rows of {progress.FileName} that had been read are gone, as after a crash of the database: the next attempt reads the file again.");
        }
        var origin = new OutcomeOrigin(source, order, [Audience], progress.Id);
        await staged.StageFileAsync(connection, progress.Id, Audience.Id);
        var (skipped, found) = await outcomes.TakeOutAsync(connection, origin);
        problems.AddRange(found);
        var quarantined = progress.Quarantined + found.Count;
        ChunkedImport.RefuseTooManyBad(progress, quarantined, problems, Options.AcceptBadShare);

        skipped += await outcomes.LandAsync(connection, origin);
        return new ImportCounts(progress.Received, progress.Received - quarantined - skipped, 0, skipped, quarantined);
    }
}

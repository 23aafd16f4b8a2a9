using System.Globalization;
using Microsoft.Extensions.Options;
using Pimm.Core.Queueing;

namespace Pimm.Core.Importing;

/// <summary>Reads a draft's whole file and keeps what an import would say of it; nothing else is written.</summary>
public sealed class DraftCheck(ImportDraftStore drafts, AudienceStore audiences, IOptions<ImportingOptions> options)
{
    /// <summary>The draft's audience, or what a new one would be.</summary>
    public async Task<Audience> AudienceAsync(long draftId, CancellationToken cancellationToken)
    {
        var request = (await drafts.GetAsync(draftId, cancellationToken)).Request;
        return request.AudienceId is { } id ? await audiences.GetAsync(id, cancellationToken)
            : NewAudience.Planned(request.AudienceName ?? "new audience", request.Mapping, request.Funnel);
    }

    public async Task RunAsync(JobExecution run, FileIntake intake, ImportSource source, long draftId, CancellationToken cancellationToken)
    {
        var findings = await FindAsync(run, intake, source, cancellationToken);
        await run.CompleteAsync(findings, connection => drafts.SaveAsync(connection, draftId, findings), cancellationToken);
    }

    /// <summary>The same of no draft: the run's result has what was found.</summary>
    public async Task RunAsync(JobExecution run, FileIntake intake, ImportSource source, CancellationToken cancellationToken) =>
        await run.CompleteAsync(await FindAsync(run, intake, source, cancellationToken), null, cancellationToken);

    /// <summary>Reads the whole file as the import of a new audience would, before anything is made for it.</summary>
    /// <exception cref="InputException">the import would refuse it</exception>
    public void RefuseUnusable(FileIntake intake, ImportRequest request, CancellationToken cancellationToken)
    {
        using var file = request.Source.Open(options.Value.Unpacking);
        var nothing = new ImportProgress(0, file.Source, 0, 0, 0, 0);
        var found = new ImportChecker(options.Value.ChunkRows).Check(intake, file, nothing, _ => { }, cancellationToken);
        ChunkedImport.RefuseTooManyBad(nothing with { Received = found.Received }, found.Quarantined, [.. found.Problems.Where(problem => !problem.IsWarning)], intake.Options.AcceptBadShare);
    }

    private async Task<DraftFindings> FindAsync(JobExecution run, FileIntake intake, ImportSource source, CancellationToken cancellationToken)
    {
        try
        {
            options.Value.Validate();
            using var file = source.Open(options.Value.Unpacking);
            var check = new ImportChecker(options.Value.ChunkRows).Check(
                intake, file, new ImportProgress(0, file.Source, 0, 0, 0, 0),
                share => run.Report(share, string.Create(CultureInfo.InvariantCulture, $"{file.Rows:N0} rows checked")), cancellationToken);
            return new DraftFindings(await intake.ForecastAsync(cancellationToken) is { } forecast ? check.With(forecast) : check, null, null);
        }
        catch (InputException refused)
        {
            return new DraftFindings(null, refused.Code, refused.Message);
        }
    }
}

using Microsoft.Extensions.Options;
using Npgsql;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Core.Networks;
using Pimm.Core.Queueing;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>What a run of the kind "promote" is asked to do.</summary>
/// <param name="ModelVersionId">the version to judge; null: the line's newest that was not judged yet</param>
public sealed record PromoteRequest(long ModelLineId, long? ModelVersionId = null);

/// <summary>
/// Judges a line's newest version against its champion and promotes it where <see cref="PromotionRule"/> says so. The judgement, the
/// promotion and the run's end are one transaction: the champion stays until another one stands.
/// </summary>
public sealed class PromoteVersion(
    ModelStore models, AudienceStore audiences, PromotionStore promotions, VersionJudge judge, IOptions<PromotingOptions> options) : IJob
{
    public const string JobKind = "promote";

    private const string By = "nightly judgement";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        var request = run.ReadArguments<PromoteRequest>();
        var line = await models.GetLineAsync(request.ModelLineId, cancellationToken);
        var champion = await models.ChampionAsync(line.Id, cancellationToken)
            ?? throw new InputException($"The model line \"{line.Name}\" has no champion yet: train it first.");
        var version = await VersionAsync(request, cancellationToken);
        if (version is null || version.Id == champion.Id || !NetworkCatalog.Names.Contains(line.Network))
        {
            var sentence = $"Nothing to judge: version {champion.Version} of \"{line.Name}\" stays the champion.";
            run.Log(sentence);
            await run.CompleteAsync(new { line = line.Name, decision = "none", sentence, champion = champion.Id }, null, cancellationToken);
            return;
        }

        var settings = options.Value.Validated();
        var audience = await audiences.GetAsync(line.AudienceId, cancellationToken);
        var ledger = await promotions.LedgerAsync(line.Id, cancellationToken);
        var spent = await promotions.SpentAsync(line.Id, settings.Nights, cancellationToken);
        var judged = await judge.JudgeAsync(new VersionToJudge(audience, line, champion, version, ledger.RolledBack.Contains(version.Id), spent), settings, run, cancellationToken);
        await SaveAsync(run, line, judged, settings, cancellationToken);
    }

    private async Task<ModelVersion?> VersionAsync(PromoteRequest request, CancellationToken cancellationToken)
    {
        if ((request.ModelVersionId ?? await promotions.NewestUnjudgedAsync(request.ModelLineId, cancellationToken)) is not { } id)
        {
            return null;
        }

        var version = await models.GetVersionAsync(id, cancellationToken);
        return version.ModelLineId == request.ModelLineId ? version
            : throw new InputException($"The model version {id} belongs to the line {version.ModelLineId}, not to {request.ModelLineId}: give a version of the line.");
    }

    private async Task SaveAsync(JobExecution run, ModelLine line, JudgedVersion judged, PromotingOptions settings, CancellationToken cancellationToken)
    {
        var judgement = judged.Judgement;
        var promotes = judgement.Decision == PromotionJudgement.Promoted;
        if (judgement.Decision == PromotionJudgement.Refused)
        {
            run.Warn(judgement.Sentence);
        }
        else
        {
            run.Log(judgement.Sentence);
        }

        FaultPoint.Reach("promote.judged");
        await run.CompleteAsync(new
        {
            line = line.Name, judgement.Decision, judgement.Sentence, version = judgement.ModelVersionId,
            champion = promotes ? judgement.ModelVersionId : judgement.ChampionVersionId,
            lines = judged.Lines?.Sentence, ready = judged.Lines?.Ready,
        }, connection => WriteAsync(connection, run, line, judged, settings), cancellationToken);
    }

    private async Task WriteAsync(NpgsqlConnection connection, JobExecution run, ModelLine line, JudgedVersion judged, PromotingOptions settings)
    {
        await ModelStore.LockAsync(connection, line.Id);
        var judgement = judged.Judgement;
        var ledger = await PromotionStore.LedgerAsync(connection, line.Id);
        if (ledger.Champion?.ModelVersionId != judgement.ChampionVersionId)
        {
            throw new InvalidOperationException($"The champion of \"{line.Name}\" was changed while its newest version was judged: it is judged again.");
        }

        var spent = await promotions.SpentAsync(connection, line.Id, settings.Nights);
        if (!new PromotionRule(settings).Affords(judgement.Alpha, spent))
        {
            throw new InvalidOperationException($"Another judgement of \"{line.Name}\" has spent what was left of α while its newest version was judged: it is judged again.");
        }

        var id = await promotions.AddAsync(connection, judgement with { AlphaSpent = spent + judgement.Alpha }, run.RunId);
        if (judgement.Decision == PromotionJudgement.Promoted)
        {
            await models.PromoteAsync(connection, judgement.ModelVersionId, By, judgement.Sentence, id, actor: AuditActor.Run(run.RunId));
        }

        if (judged.Lines is { } night)
        {
            await promotions.AddAsync(connection, night, run.RunId);
        }

        FaultPoint.Reach("promote.written");
    }
}

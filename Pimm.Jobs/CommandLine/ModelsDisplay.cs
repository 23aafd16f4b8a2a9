using System.Globalization;
using System.Text.Json;
using Pimm.Core.Promoting;
using Pimm.Core.Training;

namespace Pimm.Jobs.CommandLine;

/// <param name="Judgements">newest first</param>
/// <param name="Comparison">the newest night against the incumbent line; null where there is none</param>
internal sealed record ListedLine(
    ModelLine Line, IReadOnlyList<ModelVersion> Versions, ModelVersion? Champion, IReadOnlyList<PromotionJudgement> Judgements, LineComparison? Comparison);

/// <param name="RunId">the training; null for a version that no run made</param>
/// <param name="ParentChampion">the champion when it was judged; null before</param>
internal sealed record ShownVersion(ListedLine Line, ModelVersion Version, long? RunId, PromotionJudgement? Judgement, ModelVersion? ParentChampion);

/// <summary>Lines and versions for a person or as a document.</summary>
internal static class ModelsDisplay
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    public static async Task<ListedLine> ReadAsync(Invocation call, ModelLine line, CancellationToken cancellationToken)
    {
        var (models, promotions) = (call.Service<ModelStore>(), call.Service<PromotionStore>());
        return new(line, await models.VersionsAsync(line.Id, cancellationToken), await models.ChampionAsync(line.Id, cancellationToken),
            await promotions.JudgementsAsync(line.Id, cancellationToken: cancellationToken), await promotions.ComparisonAsync(line.Id, cancellationToken: cancellationToken));
    }

    public static async Task<ShownVersion> VersionAsync(Invocation call, long id, CancellationToken cancellationToken)
    {
        var models = call.Service<ModelStore>();
        var version = await models.GetVersionAsync(id, cancellationToken);
        var line = await ReadAsync(call, await models.GetLineAsync(version.ModelLineId, cancellationToken), cancellationToken);
        var judgement = await call.Service<PromotionStore>().JudgementOfAsync(id, cancellationToken);
        return new(line, version, await models.RunOfAsync(id, cancellationToken), judgement,
            judgement is null ? null : await models.GetVersionAsync(judgement.ChampionVersionId, cancellationToken));
    }

    public static object Document(ListedLine listed) => new
    {
        listed.Line.Id, listed.Line.Name, listed.Line.Network, listed.Line.AudienceId, champion = listed.Champion?.Id,
        versions = listed.Versions.Select(v => new
        {
            v.Id, v.Version, v.TrainingRows, v.NewestImpression, v.TrainedAt, champion = v.Id == listed.Champion?.Id,
            decision = DecisionOf(listed, v)?.Decision, sentence = DecisionOf(listed, v)?.Sentence,
        }),
        comparison = listed.Comparison is { } night ? new { night.IncumbentLineId, night.Ready, night.Sentence, night.ComparedAt } : null,
    };

    public static void Write(ListedLine listed, TextWriter text)
    {
        text.WriteLine($"{listed.Line.Id,5} {listed.Line.Name} ({listed.Line.Network}, audience {listed.Line.AudienceId})");
        foreach (var version in listed.Versions)
        {
            text.WriteLine(string.Create(Plain,
                $"  {(version.Id == listed.Champion?.Id ? '*' : ' ')} {version.Id,5}  version {version.Version}, trained {version.TrainedAt:yyyy-MM-dd HH:mm} on {version.TrainingRows:N0} rows{(DecisionOf(listed, version) is { } judged ? $", {judged.Decision} {judged.JudgedAt:yyyy-MM-dd}" : "")}"));
        }

        if (listed.Judgements.Count > 0)
        {
            text.WriteLine($"        {listed.Judgements[0].Sentence}");
        }

        if (listed.Comparison is { } night)
        {
            text.WriteLine($"        {night.Sentence}");
        }
    }

    public static object Document(ShownVersion shown) => new
    {
        shown.Version.Id, shown.Version.Version, line = new { shown.Line.Line.Id, shown.Line.Line.Name, shown.Line.Line.Network },
        champion = shown.Version.Id == shown.Line.Champion?.Id, shown.Version.Seed, shown.Version.TrainingRows, shown.Version.NewestImpression, shown.Version.TrainedAt,
        runId = shown.RunId, parentChampion = shown.ParentChampion?.Id, model = JsonDocument.Parse(shown.Version.Description).RootElement,
        judgement = shown.Judgement is { } j ? new
        {
            j.Decision, j.Sentence, conditions = j.ConditionList(), j.RowsFrom, j.RowsTo, rows = j.JudgedRows, j.Customers, stages = j.StageList(),
            j.ChampionLogLoss, j.VersionLogLoss, j.Margin, j.Difference, j.DifferenceLower, j.DifferenceUpper, j.PValue, j.Alpha, j.AlphaSpent, j.RunId, j.JudgedAt,
        } : null,
    };

    public static void Write(ShownVersion shown, TextWriter text)
    {
        var version = shown.Version;
        text.WriteLine(string.Create(Plain, $"Version {version.Version} ({version.Id}) of line {shown.Line.Line.Id} \"{shown.Line.Line.Name}\", {version.Network}{(version.Id == shown.Line.Champion?.Id ? ", the champion" : "")}"));
        text.WriteLine(string.Create(Plain, $"trained {version.TrainedAt:yyyy-MM-dd HH:mm}{(shown.RunId is { } run ? $" by run {run}" : "")} with seed {version.Seed} on {version.TrainingRows:N0} impressions{(version.NewestImpression is { } newest ? $" before {newest:yyyy-MM-dd HH:mm}" : "")}"));
        if (version.NewestImpression is not null)
        {
            foreach (var task in ModelDescription.FromJson(version.Description).Test)
            {
                text.WriteLine(string.Create(Plain, $"  {task.Name,-20} AUC {task.Auc:0.0000}  log loss {task.LogLoss:0.00000}  on its own test rows"));
            }
        }

        if (shown.Judgement is not { } judged)
        {
            text.WriteLine("not judged");
            return;
        }

        text.WriteLine(string.Create(Plain, $"{judged.Decision} {judged.JudgedAt:yyyy-MM-dd HH:mm} against version {shown.ParentChampion?.Version}: {judged.Sentence}"));
        foreach (var condition in judged.ConditionList())
        {
            text.WriteLine($"  {condition.Holds switch { true => "holds    ", false => "broken   ", null => "not asked" }}  {condition.Sentence}");
        }

        text.WriteLine(string.Create(Plain, $"  α: {judged.Alpha:0.#####} by this judgement, {judged.AlphaSpent:0.#####} of the last nights"));
    }

    private static PromotionJudgement? DecisionOf(ListedLine listed, ModelVersion version) => listed.Judgements.FirstOrDefault(judged => judged.ModelVersionId == version.Id);
}

using Pimm.Core.Datasets;
using Pimm.Core.Networks;
using Pimm.Core.Training;

namespace Pimm.Core.Comparing;

/// <summary>Trains one cell somewhere and returns when its result is written.</summary>
/// <param name="cell">what to train</param>
/// <param name="cancellationToken">ends it; nothing half-written is taken for a result</param>
public delegate Task CellRunner(TrainingCell cell, CancellationToken cancellationToken);

/// <summary>How far a comparison is.</summary>
/// <param name="Finished">the cell that has just ended</param>
/// <param name="Result">null where it diverged, which only a sweep survives</param>
/// <param name="Trained">false where its result was there already</param>
/// <param name="DoneHere">cells trained since this start</param>
/// <param name="Done">cells that have a result</param>
/// <param name="Cells">all there are, a sweep's included</param>
public sealed record ComparisonProgress(TrainingCell Finished, CellResult? Result, bool Trained, int DoneHere, int Done, int Cells);

/// <summary>
/// Every model × split × seed, in the order it happens: pack each split once (one snapshot and one feature map for all models) →
/// sweep learning rates on validation rows → train → results. Every cell leaves its result in the folder, so a comparison that was
/// cut off goes on where it was.
/// </summary>
public sealed class RunComparison(ComparisonRequest request, CellRunner runner, Action<ComparisonProgress> report)
{
    // Of the sweep's own, whatever the number of final seeds, so that more of these leave the rates as they were.
    private const ulong FirstSweepSeed = 1_000_001;

    private readonly Dictionary<string, IReadOnlyDictionary<string, string>> _inForce = [];
    private readonly Lock _telling = new();
    private int _done;
    private int _doneHere;
    private int _known;

    /// <exception cref="InputException">The request or the data cannot be used, or the folder holds another comparison.</exception>
    public async Task<ComparisonResult> RunAsync(Action<int, DatasetSummary> packed, CancellationToken cancellationToken)
    {
        request.Validated();
        RefuseUnusable();
        using var folder = ComparisonFolder.Claim(request.Folder, request.Data);
        var splits = folder.Pack(request, packed, cancellationToken);
        var own = request.Models.Where(model => model.EqualIn(request.Models) is null).ToArray();
        var rates = await ChooseRatesAsync(own, folder, splits, cancellationToken);
        var cells = own.SelectMany(model => FinalCells(model, rates[model.Name].Rate, splits)).ToArray();
        var results = await TrainAsync(cells, folder, splits, cancellationToken);
        return ComparisonResult.Of(request, folder.Source, splits, rates, [.. cells.Zip(results, (cell, result) => (cell, result!))], cancellationToken);
    }

    /// <summary>A wrong setting is said before an hour of training, not after it.</summary>
    private void RefuseUnusable()
    {
        foreach (var model in request.Models)
        {
            var settings = new Dictionary<string, string>(model.Settings, StringComparer.OrdinalIgnoreCase);
            if (request.Rates.Count > 0 && settings.ContainsKey("lr"))
            {
                throw new InputException($"The model '{model.Name}' sets lr, which --sweep-lr is to choose; leave one of the two out.");
            }

            _ = request.Training.Taking(settings);
            var (network, inForce) = NetworkCatalog.Create(model.Network, new NetworkShape([2], request.Data.Tasks.Count, request.Data.Amount is not null), settings);
            network.Dispose();
            _inForce[model.Name] = inForce;
        }
    }

    private TrainingCell Cell(ComparedModel model, int split, ulong seed, double rate, bool sweep, IReadOnlyList<PackedSplit> splits) => new(
        model.Name, model.Network, new(model.Settings.ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal), split, sweep,
        request.Training with { Seed = seed, LearningRate = rate }, splits[split - 1].Path);

    private IEnumerable<TrainingCell> FinalCells(ComparedModel model, double rate, IReadOnlyList<PackedSplit> splits) =>
        from split in Enumerable.Range(1, request.Splits)
        from seed in Enumerable.Range(1, request.Seeds)
        select Cell(model, split, (ulong)seed, rate, sweep: false, splits);

    private async Task<Dictionary<string, SweptRate>> ChooseRatesAsync(
        ComparedModel[] models, ComparisonFolder folder, IReadOnlyList<PackedSplit> splits, CancellationToken cancellationToken)
    {
        var candidates =
            from model in models
            from rate in request.Rates
            from seed in Enumerable.Range(0, ComparisonRequest.SweepSeeds)
            select Cell(model, 1, FirstSweepSeed + (ulong)seed, rate, sweep: true, splits);
        var cells = candidates.ToArray();
        _known = cells.Length + (models.Length * request.Splits * request.Seeds);
        var results = await TrainAsync(cells, folder, splits, cancellationToken);
        return models.ToDictionary(model => model.Name, model => SweptRate.Of(
            model.Name, request.Training.LearningRate,
            cells.Zip(results).Where(pair => pair.First.Model == model.Name)
                .Select(pair => (pair.First.Options.LearningRate, pair.Second?.ValidationLoss ?? double.PositiveInfinity))));
    }

    private async Task<CellResult?[]> TrainAsync(
        TrainingCell[] cells, ComparisonFolder folder, IReadOnlyList<PackedSplit> splits, CancellationToken cancellationToken)
    {
        var results = new CellResult?[cells.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = request.Lanes, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, cells.Length, options, async (at, token) =>
        {
            CellResult? Find() => folder.Find(cells[at], _inForce[cells[at].Model], splits[cells[at].SplitNumber - 1]);
            results[at] = Find();
            var trained = results[at] is null;
            if (trained)
            {
                results[at] = await TrainedAsync(cells[at], Find, token);
            }

            Tell(cells[at], results[at], trained);
        });
        return results;
    }

    private async Task<CellResult?> TrainedAsync(TrainingCell cell, Func<CellResult?> find, CancellationToken cancellationToken)
    {
        try
        {
            await runner(cell, cancellationToken);
            return find() ?? throw new InvalidOperationException($"The training of {cell.Model} ended without its result in {request.Folder}.");
        }
        catch (TrainingDivergedException) when (cell.Sweep)
        {
            return null;
        }
        catch (InputException refused)
        {
            throw new InputException($"{cell.Model}, split {cell.SplitNumber}, seed {cell.Options.Seed}: {refused.Message}", refused);
        }
    }

    private void Tell(TrainingCell finished, CellResult? result, bool trained)
    {
        lock (_telling)
        {
            _done++;
            _doneHere += trained ? 1 : 0;
            report(new ComparisonProgress(finished, result, trained, _doneHere, _done, _known));
        }
    }
}

/// <summary>The learning rate of a model.</summary>
/// <param name="Losses">mean validation loss of each rate swept, infinite where a training diverged; empty without a sweep</param>
public sealed record SweptRate(double Rate, IReadOnlyDictionary<double, double> Losses)
{
    internal static SweptRate Of(string model, double usual, IEnumerable<(double Rate, double Loss)> swept)
    {
        var losses = swept.GroupBy(pair => pair.Rate, pair => pair.Loss).ToDictionary(rate => rate.Key, rate => rate.Average());
        if (losses.Count == 0)
        {
            return new SweptRate(usual, losses);
        }

        var best = losses.MinBy(pair => pair.Value);
        return double.IsFinite(best.Value)
            ? new SweptRate(best.Key, losses)
            : throw new InputException($"The model '{model}' diverged at every learning rate swept; leave it out, or give it other settings.");
    }
}

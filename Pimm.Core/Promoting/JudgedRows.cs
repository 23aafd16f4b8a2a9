using Pimm.Core.Statistics;

namespace Pimm.Core.Promoting;

/// <summary>One stage of the funnel on the judged rows.</summary>
/// <param name="Name">the stage's label</param>
/// <param name="ChampionLogLoss">mean, in nats a row</param>
/// <param name="VersionLogLoss">the same of the version that is judged</param>
/// <param name="Calibration">the version's predicted ÷ observed; null without positives</param>
public sealed record JudgedStage(string Name, long Positives, double ChampionLogLoss, double VersionLogLoss, double? Calibration);

/// <summary>Sums over the customers of one night's rows, or of all nights': what a comparison of two models needs and no more.</summary>
/// <param name="Positives">of the last stage</param>
/// <param name="Difference">joint log loss of the one less the other's, summed over rows</param>
/// <param name="DifferenceSquares">a customer's difference, squared</param>
/// <param name="Cross">a customer's difference times its rows</param>
/// <param name="RowSquares">a customer's rows, squared</param>
public sealed record DifferenceSums(long Rows, long Customers, long Positives, double Difference, double DifferenceSquares, double Cross, double RowSquares)
{
    public static DifferenceSums None { get; } = new(0, 0, 0, 0, 0, 0, 0);

    public DifferenceSums Plus(DifferenceSums other) => new(
        Rows + other.Rows, Customers + other.Customers, Positives + other.Positives, Difference + other.Difference,
        DifferenceSquares + other.DifferenceSquares, Cross + other.Cross, RowSquares + other.RowSquares);

    /// <summary>The difference a row and its standard error, customers taken whole; null without rows.</summary>
    public (double Mean, double StandardError)? Estimate()
    {
        if (Rows == 0)
        {
            return null;
        }

        var mean = Difference / Rows;
        var squares = DifferenceSquares - (2 * mean * Cross) + (mean * mean * RowSquares);
        return (mean, Math.Sqrt(Math.Max(0, squares)) / Rows);
    }
}

/// <summary>
/// The losses of two models on the same rows, gathered by customer: the champion's and the version's. The joint log loss of a row
/// is the sum over the funnel's stages.
/// </summary>
public sealed class JudgedRows(IReadOnlyList<string> stages)
{
    private readonly Dictionary<Guid, (double Difference, int Rows)> _customers = [];
    private readonly double[] _championLoss = new double[stages.Count];
    private readonly double[] _versionLoss = new double[stages.Count];
    private readonly double[] _predicted = new double[stages.Count];
    private readonly long[] _positives = new long[stages.Count];

    public long Rows { get; private set; }

    public int Customers => _customers.Count;

    /// <param name="reached">how many stages the impression reached</param>
    /// <param name="champion">a probability a stage</param>
    /// <param name="version">a probability a stage</param>
    public void Add(Guid customer, int reached, ReadOnlySpan<float> champion, ReadOnlySpan<float> version)
    {
        var difference = 0.0;
        for (var stage = 0; stage < stages.Count; stage++)
        {
            var happened = reached > stage;
            double mine = Loss(happened, version[stage]), theirs = Loss(happened, champion[stage]);
            difference += mine - theirs;
            _versionLoss[stage] += mine;
            _championLoss[stage] += theirs;
            _predicted[stage] += version[stage];
            _positives[stage] += happened ? 1 : 0;
        }

        var (sum, rows) = _customers.GetValueOrDefault(customer);
        _customers[customer] = (sum + difference, rows + 1);
        Rows++;
    }

    public IReadOnlyList<JudgedStage> Stages() =>
        [.. stages.Select((name, stage) => new JudgedStage(
            name, _positives[stage], Rows == 0 ? 0 : _championLoss[stage] / Rows, Rows == 0 ? 0 : _versionLoss[stage] / Rows,
            _positives[stage] == 0 ? null : _predicted[stage] / _positives[stage]))];

    public DifferenceSums Sums() => _customers.Values.Aggregate(
        DifferenceSums.None with { Rows = Rows, Customers = Customers, Positives = _positives[^1] },
        (sums, one) => sums with
        {
            Difference = sums.Difference + one.Difference,
            DifferenceSquares = sums.DifferenceSquares + (one.Difference * one.Difference),
            Cross = sums.Cross + (one.Difference * one.Rows),
            RowSquares = sums.RowSquares + ((double)one.Rows * one.Rows),
        });

    /// <summary>Null below two customers.</summary>
    public PairedBootstrap? Bootstrap() => Customers < 2 ? null
        : new PairedBootstrap([.. _customers.Values.Select(one => one.Difference)], [.. _customers.Values.Select(one => one.Rows)]);

    public RefreshEvidence Evidence() => new(Rows, Customers, Stages(), Bootstrap());

    private static double Loss(bool happened, float probability)
    {
        var p = Math.Clamp(probability, RankingMetrics.SmallestProbability, 1 - RankingMetrics.SmallestProbability);
        return -Math.Log(happened ? p : 1 - p);
    }
}

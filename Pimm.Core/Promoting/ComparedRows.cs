using Pimm.Core.Statistics;
using Pimm.Core.Training;

namespace Pimm.Core.Promoting;

/// <summary>The probabilities of several versions on the same rows; the first version is the one that the others are compared with.</summary>
/// <param name="Stages">the funnel's</param>
internal sealed class ComparedRows(IReadOnlyList<string> stages, int versions)
{
    /// <summary>More say little more, and every replicate of the bootstrap goes through all of them.</summary>
    public const int Most = 200_000;

    private const double Tail = 0.025;

    private readonly List<byte> _reached = [];
    private readonly List<int> _customers = [];
    private readonly Dictionary<Guid, int> _known = [];
    private readonly List<float>[] _probabilities = [.. Enumerable.Range(0, versions * stages.Count).Select(_ => new List<float>())];

    public int Rows => _reached.Count;

    public int Customers => _known.Count;

    public long LastPositives => _reached.LongCount(reached => reached >= stages.Count);

    /// <param name="probabilities">by version, then stage</param>
    public void Add(Guid customer, int reached, ReadOnlySpan<float> probabilities)
    {
        if (!_known.TryGetValue(customer, out var number))
        {
            _known.Add(customer, number = _known.Count);
        }

        _customers.Add(number);
        _reached.Add((byte)reached);
        for (var place = 0; place < probabilities.Length; place++)
        {
            _probabilities[place].Add(probabilities[place]);
        }
    }

    /// <returns>by version: its tasks</returns>
    public IReadOnlyList<IReadOnlyList<ComparedTask>> Tasks(int? threads, CancellationToken cancellationToken)
    {
        var tasks = Enumerable.Range(0, versions).Select(_ => new List<ComparedTask>()).ToList();
        int[] clusters = [.. _customers];
        for (var stage = 0; stage < stages.Count; stage++)
        {
            byte[] labels = [.. _reached.Select(reached => (byte)(reached > stage ? 1 : 0))];
            float[][] scores = [.. Enumerable.Range(0, versions).Select(version => _probabilities[(version * stages.Count) + stage].ToArray())];
            var bootstrap = Rows == 0 ? null : AucBootstrap.Of(labels, scores, clusters, threads: threads, cancellationToken: cancellationToken);
            for (var version = 0; version < versions; version++)
            {
                // Replicates of a handful of positives are the same few rows over and over.
                var difference = version == 0 || labels.LongCount(label => label == 1) < SliceMetrics.FewestPositives ? null : bootstrap?.Difference(version, 0);
                tasks[version].Add(new ComparedTask(
                    stages[stage], labels.LongCount(label => label == 1), bootstrap?.Auc[version], RankingMetrics.LogLoss(labels, scores[version]),
                    Rows == 0 ? null : Calibration.Of(labels, scores[version]).Ratio, difference?.Difference, difference?.Lower, difference?.Upper));
            }
        }

        return tasks;
    }

    /// <summary>The joint log loss of a version less the first one's; null below two customers.</summary>
    public (double Difference, double Lower, double Upper)? Joint(int version)
    {
        if (Customers < 2)
        {
            return null;
        }

        var (sums, rows) = (new double[Customers], new int[Customers]);
        for (var row = 0; row < Rows; row++)
        {
            sums[_customers[row]] += Loss(version, row) - Loss(0, row);
            rows[_customers[row]]++;
        }

        var bootstrap = new PairedBootstrap(sums, rows);
        var (lower, upper) = bootstrap.Interval(Tail);
        return (bootstrap.Mean, lower, upper);
    }

    private double Loss(int version, int row)
    {
        var sum = 0.0;
        for (var stage = 0; stage < stages.Count; stage++)
        {
            var p = Math.Clamp(_probabilities[(version * stages.Count) + stage][row], RankingMetrics.SmallestProbability, 1 - RankingMetrics.SmallestProbability);
            sum -= Math.Log(_reached[row] > stage ? p : 1 - p);
        }

        return sum;
    }
}

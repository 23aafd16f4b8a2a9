using Pimm.Core.Statistics;

namespace Pimm.Core.Allocating;

/// <summary>The salts and the hold-back share (0 to 1, exclusive) of a campaign: what flags, exploration and ties are hashed with.</summary>
public sealed record SelectionSalts(string HoldBack, string Exploration, string Tie, double HoldBackShare);

/// <summary>
/// One arm's eligible customers with everything a wave needs to know of them, column by column: whether each is flagged for
/// hold-back, the hashes for exploration and ties, and both models' frozen scores (any finite number; higher is reached first).
/// </summary>
public sealed class ArmCustomers
{
    private readonly int[][] _rankings;
    private readonly int[] _exploration;

    public ArmCustomers(IReadOnlyList<Guid> customers, double[] controlScores, double[] treatmentScores, SelectionSalts salts)
    {
        if (controlScores.Length != customers.Count || treatmentScores.Length != customers.Count)
            throw new InputException($"{customers.Count} customers have {controlScores.Length} control scores and {treatmentScores.Length} treatment scores; both models score every eligible customer.");
        if (!(salts.HoldBackShare >= 0 && salts.HoldBackShare < 1))
            throw new InputException($"A hold-back share of {salts.HoldBackShare} is outside 0 to below 1; 0.1 is the usual choice.");
        Customers = customers;
        Scores = [Finite(controlScores), Finite(treatmentScores)];
        SaltKey hold = SaltKey.From(salts.HoldBack), exploration = SaltKey.From(salts.Exploration), tie = SaltKey.From(salts.Tie);
        Flagged = customers.Select(customer => CustomerHash.Share(CustomerHash.Salted(customer, hold)) < salts.HoldBackShare).ToArray();
        ExplorationHashes = customers.Select(customer => CustomerHash.Salted(customer, exploration)).ToArray();
        TieHashes = customers.Select(customer => CustomerHash.Salted(customer, tie)).ToArray();
        _exploration = Order((a, b) => ExplorationHashes[a].CompareTo(ExplorationHashes[b]));
        _rankings = Scores.Select(scores => Order((a, b) => scores[a] != scores[b] ? scores[b].CompareTo(scores[a]) : TieHashes[a].CompareTo(TieHashes[b]))).ToArray();
    }

    public IReadOnlyList<Guid> Customers { get; }

    public int Count => Customers.Count;

    public bool[] Flagged { get; }

    public ulong[] ExplorationHashes { get; }

    public ulong[] TieHashes { get; }

    /// <summary>Scores[policy][customer], the policy being the arm whose model it is.</summary>
    public double[][] Scores { get; }

    /// <summary>Positions of customers from the highest score of that policy's model to the lowest, ties by hash, then by identity.</summary>
    public ReadOnlySpan<int> Ranking(Arm policy) => _rankings[(int)policy];

    /// <summary>Positions of customers by exploration hash.</summary>
    public ReadOnlySpan<int> ExplorationOrder => _exploration;

    private int[] Order(Comparison<int> compare)
    {
        int[] order = Enumerable.Range(0, Count).ToArray();
        Array.Sort(order, (a, b) => compare(a, b) is var result && result != 0 ? result : Customers[a].CompareTo(Customers[b]));
        return order;
    }

    private static double[] Finite(double[] scores)
    {
        int bad = Array.FindIndex(scores, score => !double.IsFinite(score));
        return bad < 0 ? scores : throw new InputException($"The score of customer {bad + 1} is {scores[bad]}; scores must be finite numbers.");
    }
}

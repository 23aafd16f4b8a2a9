using Pimm.Core.Statistics;

namespace Pimm.Core.Allocating;

/// <summary>The salts and the hold-back share (0 to 1, exclusive) of a campaign: what flags, exploration and ties are hashed with.</summary>
public sealed record SelectionSalts(string HoldBack, string Exploration, string Tie, double HoldBackShare);

/// <summary>
/// One arm's eligible customers with everything a wave needs to know of them, column by column: whether each is flagged for
/// hold-back, and both models' frozen scores (any finite number; higher is reached first). Hashes for exploration and ties are
/// computed where somebody comes into question.
/// </summary>
public sealed class ArmCustomers
{
    private const int CustomersAtOnce = 65_536;

    private readonly SaltKey _exploration, _tie;

    /// <param name="flagged">who is flagged, as it was stored; null: it is hashed again, to the same</param>
    public ArmCustomers(IReadOnlyList<Guid> customers, float[] controlScores, float[] treatmentScores, SelectionSalts salts, bool[]? flagged = null)
    {
        if (controlScores.Length != customers.Count || treatmentScores.Length != customers.Count)
            throw new InputException($"{customers.Count} customers have {controlScores.Length} control scores and {treatmentScores.Length} treatment scores; both models score every eligible customer.");
        if (!(salts.HoldBackShare >= 0 && salts.HoldBackShare < 1))
            throw new InputException($"A hold-back share of {salts.HoldBackShare} is outside 0 to below 1; 0.1 is the usual choice.");
        Customers = customers as Guid[] ?? [.. customers];
        Scores = [Finite(controlScores), Finite(treatmentScores)];
        (_exploration, _tie) = (SaltKey.From(salts.Exploration), SaltKey.From(salts.Tie));
        Flagged = flagged ?? FlagsOf(Customers, SaltKey.From(salts.HoldBack), salts.HoldBackShare);
    }

    public Guid[] Customers { get; }

    public int Count => Customers.Length;

    public bool[] Flagged { get; }

    /// <summary>Scores[policy][customer], the policy being the arm whose model it is.</summary>
    public float[][] Scores { get; }

    public ulong ExplorationHash(int customer) => CustomerHash.Salted(Customers[customer], _exploration);

    public ulong TieHash(int customer) => CustomerHash.Salted(Customers[customer], _tie);

    private static bool[] FlagsOf(Guid[] customers, SaltKey salt, double share)
    {
        var flagged = new bool[customers.Length];
        Parallel.For(0, (customers.Length + CustomersAtOnce - 1) / CustomersAtOnce, part =>
        {
            for (int i = part * CustomersAtOnce; i < Math.Min(customers.Length, (part + 1) * CustomersAtOnce); i++)
                flagged[i] = CustomerHash.Share(CustomerHash.Salted(customers[i], salt)) < share;
        });
        return flagged;
    }

    private static float[] Finite(float[] scores)
    {
        var (wrong, gate) = (scores.Length, new Lock());
        Parallel.For(0, (scores.Length + CustomersAtOnce - 1) / CustomersAtOnce, part =>
        {
            int customer = part * CustomersAtOnce, end = Math.Min(scores.Length, customer + CustomersAtOnce);
            while (customer < end && float.IsFinite(scores[customer]))
                customer++;
            if (customer < end)
                lock (gate)
                    wrong = Math.Min(wrong, customer);
        });
        return wrong == scores.Length ? scores : throw new InputException($"The score of customer {wrong + 1} is {scores[wrong]}; scores must be finite numbers.");
    }
}

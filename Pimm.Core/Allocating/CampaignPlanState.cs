namespace Pimm.Core.Allocating;

/// <summary>What a plan does with a customer in a wave.</summary>
public enum WaveAction : byte
{
    /// <summary>Not reached.</summary>
    None = 0,

    /// <summary>Unflagged and reached by the walk down the ranking.</summary>
    Exported = 1,

    /// <summary>Flagged and passed by the walk: never exported, never ranked again.</summary>
    HeldBack = 2,

    /// <summary>Exported, but drawn by hash instead of by rank.</summary>
    Explored = 3,
}

/// <summary>An action with the wave (0, 1, 2, …) it happened in; the default is "not yet".</summary>
public readonly record struct PlannedAction(WaveAction Action, int Wave);

/// <summary>What one policy has done so far, or would have done, with each customer of one arm.</summary>
public sealed class CampaignPlanState
{
    // Apart, because every customer is asked whether he is free, and few what wave it was: that array's pages are mostly never touched.
    private readonly WaveAction[] _actions;
    private readonly int[] _waves;

    public CampaignPlanState(int customers) => (_actions, _waves) = (new WaveAction[customers], new int[customers]);

    /// <summary>Goes on from stored actions, one a customer.</summary>
    public CampaignPlanState(IReadOnlyList<PlannedAction> actions) =>
        (_actions, _waves) = ([.. actions.Select(action => action.Action)], [.. actions.Select(action => action.Wave)]);

    public int Count => _actions.Length;

    public PlannedAction this[int customer] => new(_actions[customer], _waves[customer]);

    /// <summary>Not exported, explored or held back so far.</summary>
    public bool IsFree(int customer) => _actions[customer] == WaveAction.None;

    internal void Record(int customer, WaveAction action, int wave) => (_actions[customer], _waves[customer]) = (action, wave);

    /// <summary>
    /// The first wave from which two plans treat a customer differently (reached, held back or neither, and when), −1 where
    /// they never do. Once apart the two stay apart: this is D of design/campaign.md, step 7.
    /// </summary>
    public static int DivergenceWave(PlannedAction first, PlannedAction second)
    {
        if (first == second)
            return -1;
        int a = first.Action == WaveAction.None ? int.MaxValue : first.Wave, b = second.Action == WaveAction.None ? int.MaxValue : second.Wave;
        return Math.Min(a, b);
    }
}

namespace Pimm.Core.Networks;

/// <summary>How the time in p(E) = max(α − E·S, β) is counted (ambiguity A5).</summary>
public enum CurriculumClock
{
    /// <summary>E is the number of finished epochs: p is constant within an epoch, as the paper's equation 4 says.</summary>
    Epoch,

    /// <summary>E is the fraction steps / steps per epoch: p falls within an epoch, as the paper's text can be read.</summary>
    Step,
}

/// <summary>How often the choice between label and prediction is drawn (ambiguity A6).</summary>
public enum PremiseDraw
{
    /// <summary>Independently for every row and every premise.</summary>
    PerPremise,

    /// <summary>Once a row, the same for all of its premises.</summary>
    PerRow,

    /// <summary>Once a batch.</summary>
    PerBatch,
}

/// <summary>
/// With which probability PIMM's premise shows the true label of the stage before instead of the prediction, while training:
/// p(E) = max(α − E·S, β) (PIMM, SIGIR'23, equation 4). Ali-CCP: α = .5, S = .25, β = .25; industrial: α = 2/3, S = 1/3, β = 0.
/// α = β = 0 trains on predictions alone, α = β = 1 is pure teacher forcing.
/// </summary>
/// <param name="Alpha">α, 0 to 1: p in the first epoch.</param>
/// <param name="Step">S, 0 to 1: what an epoch takes away.</param>
/// <param name="Floor">β, 0 to α.</param>
public sealed record PremiseCurriculum(double Alpha, double Step, double Floor, CurriculumClock Clock, PremiseDraw Draw)
{
    /// <param name="epoch">Finished epochs, 0 in the first one; fractional where the clock is the step.</param>
    /// <returns>p, 0 to 1.</returns>
    public double ProbabilityAt(double epoch) =>
        Math.Max(Alpha - (Clock == CurriculumClock.Epoch ? Math.Floor(epoch) : epoch) * Step, Floor);

    /// <summary>The first epoch (counted from 0) trained with p = β; training may stop early only after it. 0 where S = 0.</summary>
    public int EpochOfFloor =>
        Step == 0 || Alpha <= Floor ? 0 : (int)Math.Min(Math.Ceiling((Alpha - Floor) / Step - 1e-9), int.MaxValue);
}

namespace Pimm.Core.Allocating;

/// <summary>One arm of a published wave, counted from its plans.</summary>
/// <param name="Arm">0 control, 1 treatment</param>
/// <param name="HeldBack">flagged customers that the arm's own walk passed</param>
/// <param name="ExportedByBoth">of the exported, how many the other policy exports on the same day too</param>
/// <param name="Propensity">chance of a customer in the pool to be explored; null without exploration</param>
public sealed record WaveArmFigures(DateOnly WaveDate, short Arm, long Exported, long HeldBack, long ExportedByBoth, float? Propensity)
{
    /// <summary>|S_T ∩ S_C| ÷ N inside the arm; null where nothing was exported.</summary>
    public double? Overlap => Exported == 0 ? null : (double)ExportedByBoth / Exported;
}

/// <summary>A published wave as a person reads it.</summary>
/// <param name="Requested">N as the campaign asks for it, in each arm</param>
public sealed record WaveFigures(Wave Wave, int Requested, WaveArmFigures Control, WaveArmFigures Treatment)
{
    /// <summary>Exported ÷ requested, the same in both arms.</summary>
    public double FillRate => (double)Wave.Impressions / Requested;
}

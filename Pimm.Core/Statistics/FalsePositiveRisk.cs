namespace Pimm.Core.Statistics;

/// <summary>
/// How many of the significant results are false (Colquhoun 2014; Ioannidis 2005): α·π/(α·π + power·(1 − π)), with π the
/// share of tests in which there is nothing to find.
/// </summary>
public static class FalsePositiveRisk
{
    /// <param name="nullShare">π, 0 to 1</param>
    /// <param name="power">0 to 1, at the effect that the others have</param>
    /// <param name="p">the level at which a result counts as found, 0 to 1</param>
    /// <returns>0 to 1; null where nothing can ever be found (both products 0)</returns>
    public static double? Of(double nullShare, double power, double p)
    {
        Check(nullShare, "null share");
        Check(power, "power");
        Check(p, "p");
        double wrong = p * nullShare, right = power * (1 - nullShare);
        return wrong + right == 0 ? null : wrong / (wrong + right);
    }

    private static void Check(double value, string name)
    {
        if (!(value >= 0 && value <= 1))
            throw new InputException($"A {name} of {value} is outside 0 to 1; give a share.");
    }
}

using System.Globalization;

namespace Pimm.Core.Lift;

/// <summary>What is new in a report against the version before it.</summary>
public static class VersionChanges
{
    public static LiftChanges Since(StoredLiftReport stored, LiftReport before, LiftReport now)
    {
        LiftChange[] numbers = Numbers(now).Select(number => Change(Numbers(before).FirstOrDefault(old => old.Key == number.Key), number))
            .Where(change => change.Before != change.Now).ToArray();
        (LiftIntake? then, LiftIntake? today) = (before.Origin?.Intake, now.Origin?.Intake);
        return new LiftChanges(stored.Version, stored.AsOf, today?.Files - then?.Files, today?.Rows - then?.Rows, numbers, Sentences(stored, before, now).ToArray());
    }

    private static IEnumerable<LiftNumber> Numbers(LiftReport report) => report.Numbers.Concat(report.Amount?.Numbers ?? []);

    private static LiftChange Change(LiftNumber? before, LiftNumber now) =>
        new(now.Key, now.Name, now.Unit, before?.Estimate, now.Estimate, now.Estimate - before?.Estimate);

    private static IEnumerable<string> Sentences(StoredLiftReport stored, LiftReport before, LiftReport now)
    {
        if (before.Verdict?.Status != now.Verdict?.Status)
            yield return $"The verdict was {before.Verdict?.Status ?? "not given"} and is {now.Verdict?.Status ?? "not given"}.";
        if (stored.CodeVersion != now.Origin?.CodeVersion)
            yield return $"The code was {stored.CodeVersion} and is {now.Origin?.CodeVersion}.";
        if (!before.Windows.Closed && now.Windows.Closed)
            yield return "The last window has closed.";
        int waves = now.Windows.Waves.Count - before.Windows.Waves.Count;
        if (waves != 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{waves:+0;-0} {(waves is 1 or -1 ? "wave" : "waves")}.");
        foreach (LiftCheck check in now.Checks)
        {
            LiftCheck? old = before.Checks.FirstOrDefault(other => other.Name == check.Name);
            if (check.Alarm != (old?.Alarm ?? false))
                yield return $"The check \"{check.Name}\" {(check.Alarm ? "alarms now" : "alarms no longer")}.";
        }
        foreach (LiftGuardrail guardrail in now.Guardrails ?? [])
            if ((before.Guardrails ?? []).FirstOrDefault(other => other.Metric == guardrail.Metric) is { } old && old.State != guardrail.State)
                yield return $"The guardrail {guardrail.Metric} was {old.State} and is {guardrail.State}.";
    }
}

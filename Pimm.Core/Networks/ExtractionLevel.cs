using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Networks;

/// <summary>
/// One level of PLE (RecSys'20), alone called CGC: from the tasks' inputs I_1 … I_T and the shared input I_s to
/// O_t = softmax(I_t W_t) · [E_{t,1..m_t}(I_t) ; S_{1..m_s}(I_s)] and O_s = softmax(I_s W_s) · [all E ; all S]. On the first
/// level every input is x; after the last nobody needs O_s, so it has neither that gate nor its weights.
/// </summary>
public sealed class ExtractionLevel : Module<Tensor, Tensor>
{
    private readonly int tasks;
    private readonly bool first;
    private readonly TowerBank ownExperts;
    private readonly TowerBank sharedExperts;
    private readonly ExpertGate taskGate;
    private readonly ExpertGate? sharedGate;

    /// <param name="tasks">T, at least 1.</param>
    /// <param name="inputWidth">Width of every input.</param>
    /// <param name="dropout">One share for each of the experts' layers.</param>
    /// <param name="level">From 0; of <see cref="PleOptions.Levels"/>.</param>
    public ExtractionLevel(int tasks, int inputWidth, PleOptions options, IReadOnlyList<double> dropout, int level)
        : base(nameof(ExtractionLevel))
    {
        this.tasks = tasks;
        first = level == 0;
        var (own, shared) = (options.OwnExperts, options.SharedExperts);
        ownExperts = new TowerBank(first ? 1 : tasks, first ? tasks * own : own, inputWidth, options.ExpertLayers, dropout);
        sharedExperts = new TowerBank(shared, inputWidth, options.ExpertLayers, dropout);
        taskGate = new ExpertGate(tasks, inputWidth, shared, own, apart: !first);
        sharedGate = level == options.Levels - 1 ? null : new ExpertGate(1, inputWidth, tasks * own + shared);
        register_module("ownExperts", ownExperts);
        register_module("sharedExperts", sharedExperts);
        register_module("taskGate", taskGate);
        register_module("sharedGate", sharedGate);
    }

    /// <summary>h.</summary>
    public int OutputWidth => sharedExperts.OutputWidth;

    /// <param name="input">x [B, D] on the first level, [T + 1, B, h] on the others, the shared input last</param>
    /// <returns>[T, B, h] from the last level, [T + 1, B, h] from the others</returns>
    public override Tensor forward(Tensor input)
    {
        var forTasks = first ? input : input.narrow(0, 0, tasks);
        var forShared = first ? input : input.select(0, tasks);
        var own = ownExperts.call(forTasks);                                // [T·m_t, B, h]
        var shared = sharedExperts.call(forShared);                         // [m_s, B, h]
        var mixed = taskGate.call(forTasks, shared, own);                   // [T, B, h]
        return sharedGate is null ? mixed : cat([mixed, sharedGate.call(forShared, cat([own, shared], 0), null)], 0);
    }
}

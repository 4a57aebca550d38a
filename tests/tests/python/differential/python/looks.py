"""The steps that look at contexts; beside `../looks.rs`."""

import contextvars
import json

from words import picked, shown


class Looks:
    def do_Clone(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('clone %s: not to be seen', name)
        self.keep('clone', context.copy())

    def keep(self, how, context):
        self.contexts.append(context)
        self.log('%s: c%d', how, len(self.contexts) - 1)

    def look(self, index, here):
        """A context to look at. Without a number it is the current one; one that is entered cannot be seen in Rust,
        but for the current one."""
        if index is None:
            return 'current', contextvars.copy_context()
        number = picked(index, self.contexts)
        if number is None:
            return 'c?', None
        seen = number not in self.entered or number == here
        return 'c%d' % number, self.contexts[number] if seen else None

    def do_Contains(self, here, index, var):
        name, context = self.look(index, here)
        if context is None:
            return self.log('V%d in %s: not to be seen', var, name)
        self.log('V%d in %s: %s', var, name, json.dumps(self.variables[var] in context))

    def do_Item(self, here, index, var):
        name, context = self.look(index, here)
        if context is None:
            return self.log('%s[V%d]: not to be seen', name, var)
        try:
            self.log('%s[V%d]: %s', name, var, json.dumps(context[self.variables[var]]))
        except KeyError:
            self.log('%s[V%d]: KeyError', name, var)

    def do_Lookup(self, here, index, var):
        name, context = self.look(index, here)
        if context is None:
            return self.log('%s.get(V%d): not to be seen', name, var)
        self.log('%s.get(V%d): %s', name, var, json.dumps(context.get(self.variables[var])))

    def do_Len(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('len(%s): not to be seen', name)
        self.log('len(%s): %d', name, len(context))

    def do_Keys(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('keys of %s: not to be seen', name)
        keys = sorted(var.name for var in context)
        assert keys == sorted(var.name for var in context.keys())
        self.log('keys of %s: %s', name, ' '.join(keys))

    def do_Values(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('values of %s: not to be seen', name)
        self.log('values of %s: %s', name, ' '.join(sorted(map(json.dumps, context.values()))))

    def do_Items(self, here, index):
        name, context = self.look(index, here)
        if context is None:
            return self.log('%s: not to be seen', name)
        self.log('%s: %s', name, shown(context))

    def do_Equal(self, here, left, right):
        left_name, left = self.look(left, here)
        right_name, right = self.look(right, here)
        if left is None or right is None:
            return self.log('%s == %s: not to be seen', left_name, right_name)
        assert (left == right) is not (left != right)
        self.log('%s == %s: %s', left_name, right_name, json.dumps(left == right))

    def do_Diff(self, here, before, after):
        before_name, before = self.look(before, here)
        after_name, after = self.look(after, here)
        if before is None or after is None:
            return self.log('%s to %s: not to be seen', before_name, after_name)
        # What a context has, with nothing for what it has not.
        before, after = [{var: json.dumps(value) for var, value in it.items()} for it in (before, after)]
        either = sorted(set(before) | set(after), key=lambda var: var.name)
        changed = [var for var in either if before.get(var) != after.get(var)]
        said = ' '.join('%s=%s->%s' % (var.name, before.get(var, ''), after.get(var, '')) for var in changed)
        self.log('%s to %s: %s', before_name, after_name, said)
